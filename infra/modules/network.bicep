// The virtual network: one subnet that the app joins, one with the private endpoints of what it uses.

@description('Name of the virtual network.')
param vnetName string

@description('Name of the network security group of both subnets.')
param securityGroupName string

@description('What names of private endpoints begin with.')
param endpointPrefix string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Service Bus namespace.')
param serviceBusName string

@description('Key Vault.')
param keyVaultName string

var storageSuffix = environment().suffixes.storage
var zoneNames = [
  'privatelink.blob.${storageSuffix}'
  'privatelink.queue.${storageSuffix}'
  'privatelink.table.${storageSuffix}'
  'privatelink.servicebus.windows.net'
  'privatelink.vaultcore.azure.net'
]
// What is reached, by which part of it, and which of the zones above has its name.
var targets = [
  {
    name: 'host-blob'
    id: hostStorage.id
    part: 'blob'
    zone: 0
  }
  {
    name: 'host-queue'
    id: hostStorage.id
    part: 'queue'
    zone: 1
  }
  {
    name: 'host-table'
    id: hostStorage.id
    part: 'table'
    zone: 2
  }
  {
    name: 'data-blob'
    id: dataStorage.id
    part: 'blob'
    zone: 0
  }
  {
    name: 'data-queue'
    id: dataStorage.id
    part: 'queue'
    zone: 1
  }
  {
    name: 'data-table'
    id: dataStorage.id
    part: 'table'
    zone: 2
  }
  {
    name: 'service-bus'
    id: serviceBus.id
    part: 'namespace'
    zone: 3
  }
  {
    name: 'key-vault'
    id: keyVault.id
    part: 'vault'
    zone: 4
  }
]

resource hostStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: hostStorageName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: dataStorageName
}

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

// Its default rules let nothing in from the internet, and that is all that is wanted.
resource securityGroup 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: securityGroupName
  location: location
  tags: tags
}

resource vnet 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: vnetName
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.0.0/24'
          networkSecurityGroup: {
            id: securityGroup.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.0.1.0/24'
          networkSecurityGroup: {
            id: securityGroup.id
          }
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for each in zoneNames: {
  name: each
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (each, i) in zoneNames: {
  parent: zones[i]
  name: vnetName
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: vnet.id
    }
  }
}]

module endpoints 'private-endpoint.bicep' = [for each in targets: {
  name: 'private-endpoint-${each.name}'
  params: {
    name: '${endpointPrefix}${each.name}'
    location: location
    tags: tags
    subnetId: vnet.properties.subnets[1].id
    targetId: each.id
    groupId: each.part
    zoneId: zones[each.zone].id
  }
}]

@description('Subnet that the app joins.')
output appSubnetId string = vnet.properties.subnets[0].id
