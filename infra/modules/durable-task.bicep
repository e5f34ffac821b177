// The Durable Task Scheduler with its task hub: the backend of Durable Functions for those who want
// more activities a second than a storage account gives. It takes Entra tokens only.

@description('Name of the scheduler.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@allowed([
  'Consumption'
  'Dedicated'
])
@description('SKU: by action, or by capacity unit.')
param skuName string

@description('Name of the task hub.')
param taskHubName string

@description('Object id of the app, which may work on the hub.')
param identityPrincipalId string

var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // An empty list lets nobody in. Flex Consumption has no fixed addresses; the role below decides.
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    sku: skuName == 'Dedicated' ? {
      name: 'Dedicated'
      capacity: 1
    } : {
      name: 'Consumption'
    }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: taskHubName
}

resource appOnHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, identityPrincipalId, durableTaskDataContributor)
  scope: hub
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

@description('Address of the scheduler.')
output endpoint string = scheduler.properties.endpoint

@description('Name of the scheduler.')
output name string = scheduler.name
