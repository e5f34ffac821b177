// The one public address that the app calls out from, for services that let in known addresses only.

@description('Name of the NAT gateway.')
param name string

@description('Name of its public address.')
param addressName string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

resource address 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: addressName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource gateway 'Microsoft.Network/natGateways@2025-05-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIpAddresses: [
      {
        id: address.id
      }
    ]
  }
}

@description('Resource id of the gateway.')
output id string = gateway.id

@description('Address that the app calls out from.')
output address string = address.properties.ipAddress
