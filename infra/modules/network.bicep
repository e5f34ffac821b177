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

@description('Service Bus namespace. Empty: there is none.')
param serviceBusName string

@description('Key Vault. Empty: there is none.')
param keyVaultName string

@description('Whether the app calls out from one address that stays.')
param natGatewayEnabled bool

@description('Name of the NAT gateway.')
param natGatewayName string

@description('Name of the public address of the NAT gateway.')
param natAddressName string

var storageSuffix = environment().suffixes.storage
var blobZone = 'privatelink.blob.${storageSuffix}'
var queueZone = 'privatelink.queue.${storageSuffix}'
var tableZone = 'privatelink.table.${storageSuffix}'
var busZone = 'privatelink.servicebus.windows.net'
var vaultZone = 'privatelink.vaultcore.azure.net'
// What is not deployed must have a name all the same: https://github.com/Azure/bicep/issues/14528
var busName = empty(serviceBusName) ? 'none' : serviceBusName
var vaultName = empty(keyVaultName) ? 'none' : keyVaultName
// What is reached, by which part of it, and the zone that has its name.
var storageTargets = [
  {
    name: 'host-blob'
    id: hostStorage.id
    part: 'blob'
    zone: blobZone
  }
  {
    name: 'host-queue'
    id: hostStorage.id
    part: 'queue'
    zone: queueZone
  }
  {
    name: 'host-table'
    id: hostStorage.id
    part: 'table'
    zone: tableZone
  }
  {
    name: 'data-blob'
    id: dataStorage.id
    part: 'blob'
    zone: blobZone
  }
  {
    name: 'data-queue'
    id: dataStorage.id
    part: 'queue'
    zone: queueZone
  }
  {
    name: 'data-table'
    id: dataStorage.id
    part: 'table'
    zone: tableZone
  }
]
var busTargets = empty(serviceBusName) ? [] : [
  {
    name: 'service-bus'
    id: serviceBus.id
    part: 'namespace'
    zone: busZone
  }
]
var vaultTargets = empty(keyVaultName) ? [] : [
  {
    name: 'key-vault'
    id: keyVault.id
    part: 'vault'
    zone: vaultZone
  }
]
var targets = concat(storageTargets, busTargets, vaultTargets)
// An endpoint and a zone cost by the hour and by the month: none for what is not there.
var storageZones = [
  blobZone
  queueZone
  tableZone
]
var busZones = empty(serviceBusName) ? [] : [
  busZone
]
var vaultZones = empty(keyVaultName) ? [] : [
  vaultZone
]
var zoneNames = concat(storageZones, busZones, vaultZones)

resource hostStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: hostStorageName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: dataStorageName
}

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: busName
}

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

// Its default rules let nothing in from the internet, and that is all that is wanted.
resource securityGroup 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: securityGroupName
  location: location
  tags: tags
}

module natGateway 'nat-gateway.bicep' = if (natGatewayEnabled) {
  name: 'nat-gateway'
  params: {
    name: natGatewayName
    addressName: natAddressName
    location: location
    tags: tags
  }
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
          natGateway: natGatewayEnabled ? {
            id: natGateway!.outputs.id
          } : null
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

// One after another: made side by side, those of an account and those in a zone hinder each other, and
// now and then a deployment fails (https://github.com/Azure/bicep-registry-modules/issues/962).
// Named after what it reaches too: an endpoint cannot be turned to something else.
@batchSize(1)
module endpoints 'private-endpoint.bicep' = [for each in targets: {
  name: 'private-endpoint-${each.name}'
  params: {
    name: '${endpointPrefix}${each.name}-${uniqueString(each.id)}'
    location: location
    tags: tags
    subnetId: vnet.properties.subnets[1].id
    targetId: each.id
    groupId: each.part
    zoneId: resourceId('Microsoft.Network/privateDnsZones', each.zone)
  }
  dependsOn: [
    zones
  ]
}]

@description('Subnet that the app joins.')
output appSubnetId string = vnet.properties.subnets[0].id

@description('Address that the app calls out from. Empty: it has none that stays.')
output outboundAddress string = natGatewayEnabled ? natGateway!.outputs.address : ''
