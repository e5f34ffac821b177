// A private endpoint for one sub-resource of a service, with its name in the private zone.

@description('Name of the endpoint.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Subnet that the endpoint takes an address of.')
param subnetId string

@description('Resource that is reached through it.')
param targetId string

@description('Which part of that resource: blob, queue, table, namespace, vault.')
param groupId string

@description('Private DNS zone that gets the address.')
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            groupId
          ]
        }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: groupId
        properties: {
          privateDnsZoneId: zoneId
        }
      }
    ]
  }
}
