// What whoever operates Fanout may do: drop inputs, read results, send requests, and take dead letters
// out. Nothing that the app's identity has is shared with them.

@description('Object id of the operator: a person, a group or a service principal.')
param operatorId string

@description('What kind of principal the operator is.')
param operatorType string

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Container of runs.')
param runsContainer string

@description('Containers that sources may lie in.')
param sourceContainers array

@description('Service Bus namespace. Empty: there is none.')
param serviceBusName string

var roleIds = {
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  serviceBusDataReceiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  serviceBusDataSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var hasServiceBus = !empty(serviceBusName)
// What is not deployed must have a name all the same: https://github.com/Azure/bicep/issues/14528
var busName = hasServiceBus ? serviceBusName : 'none'

resource dataStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: dataStorageName
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2022-09-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource runs 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' existing = {
  parent: dataBlobs
  name: runsContainer
}

resource sources 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' existing = [for each in sourceContainers: {
  parent: dataBlobs
  name: each
}]

resource serviceBus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: busName
}

resource requests 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: serviceBus
  name: 'fanout-requests'
}

resource deadLetters 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: serviceBus
  name: 'fanout-dead-letters'
}

resource operatorSources 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (each, i) in sourceContainers: {
  name: guid(sources[i].id, operatorId, roleIds.blobDataContributor)
  scope: sources[i]
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataContributor)
  }
}]

resource operatorRuns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runs.id, operatorId, roleIds.blobDataReader)
  scope: runs
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataReader)
  }
}

resource operatorRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(requests.id, operatorId, roleIds.serviceBusDataSender)
  scope: requests
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

// To take requests out of the queue's own dead letters again.
resource operatorFailedRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(requests.id, operatorId, roleIds.serviceBusDataReceiver)
  scope: requests
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataReceiver)
  }
}

resource operatorDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(deadLetters.id, operatorId, roleIds.serviceBusDataReceiver)
  scope: deadLetters
  properties: {
    principalId: operatorId
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataReceiver)
  }
}
