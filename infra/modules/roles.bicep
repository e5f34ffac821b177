// What the app may do, each on the smallest thing it is needed on. It has no role on the group, on the
// namespace or on the data account as a whole.

@description('Object id of the app\'s identity.')
param identityPrincipalId string

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Container of runs.')
param runsContainer string

@description('Containers that sources may lie in.')
param sourceContainers array

@description('Tables of runs and ledgers.')
param dataTables array

@description('Service Bus namespace. Empty: there is none.')
param serviceBusName string

@description('Key Vault. Empty: there is none.')
param keyVaultName string

@description('Application Insights component.')
param insightsName string

@description('Whether the task hub is in the host\'s storage.')
param usesStorageHub bool

@description('Whether blobs of the inbox trigger runs.')
param inboxEnabled bool

var roleIds = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  serviceBusDataOwner: '090c5cfd-751d-490a-894a-3ce6f1109419'
  serviceBusDataSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var hasServiceBus = !empty(serviceBusName)
var hasVault = !empty(keyVaultName)
// What is not deployed must have a name all the same: https://github.com/Azure/bicep/issues/14528
var busName = hasServiceBus ? serviceBusName : 'none'
var vaultName = hasVault ? keyVaultName : 'none'

resource hostStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: hostStorageName
}

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

resource inbox 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' existing = {
  parent: dataBlobs
  name: 'inbox'
}

resource sources 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' existing = [for each in sourceContainers: {
  parent: dataBlobs
  name: each
}]

resource dataTableService 'Microsoft.Storage/storageAccounts/tableServices@2022-09-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2022-09-01' existing = [for each in dataTables: {
  parent: dataTableService
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

resource shipments 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: serviceBus
  name: 'shipments'
}

resource events 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' existing = {
  parent: serviceBus
  name: 'fanout-events'
}

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The host: packages, keys, leases of timers, and the task hub with its large messages.
resource appHostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, identityPrincipalId, roleIds.blobDataOwner)
  scope: hostStorage
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataOwner)
  }
}

// The host's own diagnostic events, and the history of the task hub.
resource appHostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, identityPrincipalId, roleIds.tableDataContributor)
  scope: hostStorage
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.tableDataContributor)
  }
}

// The task hub's messages; and those of the blob trigger, whose work goes through a queue of the host
// whatever the backend, while its poison is in the data account: BlobListenerFactory.cs of Azure/azure-sdk-for-net.
resource appHostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesStorageHub || inboxEnabled) {
  name: guid(hostStorage.id, identityPrincipalId, roleIds.queueDataContributor)
  scope: hostStorage
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.queueDataContributor)
  }
}

// Runs are written, sources are read, and nothing else in the account is either.
resource appRuns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runs.id, identityPrincipalId, roleIds.blobDataContributor)
  scope: runs
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataContributor)
  }
}

resource appReadSources 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (each, i) in sourceContainers: {
  name: guid(sources[i].id, identityPrincipalId, roleIds.blobDataReader)
  scope: sources[i]
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataReader)
  }
}]

// What must be right of a run is in rows; ledgers of orders as well.
resource appTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (each, i) in dataTables: {
  name: guid(tables[i].id, identityPrincipalId, roleIds.tableDataContributor)
  scope: tables[i]
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.tableDataContributor)
  }
}]

// A blob trigger takes both roles: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-blob-trigger
resource appInboxBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (inboxEnabled) {
  name: guid(inbox.id, identityPrincipalId, roleIds.blobDataOwner)
  scope: inbox
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataOwner)
  }
}

resource appInboxQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (inboxEnabled) {
  name: guid(dataStorage.id, identityPrincipalId, roleIds.queueDataContributor)
  scope: dataStorage
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.queueDataContributor)
  }
}

// Owner of this one queue: the scale controller reads its length, which takes the right to manage.
resource appRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(requests.id, identityPrincipalId, roleIds.serviceBusDataOwner)
  scope: requests
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataOwner)
  }
}

resource appDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(deadLetters.id, identityPrincipalId, roleIds.serviceBusDataSender)
  scope: deadLetters
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource appShipments 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(shipments.id, identityPrincipalId, roleIds.serviceBusDataSender)
  scope: shipments
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource appEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(events.id, identityPrincipalId, roleIds.serviceBusDataSender)
  scope: events
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource appSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasVault) {
  name: guid(keyVault.id, identityPrincipalId, roleIds.keyVaultSecretsUser)
  scope: keyVault
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.keyVaultSecretsUser)
  }
}

resource appTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, identityPrincipalId, roleIds.monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.monitoringMetricsPublisher)
  }
}
