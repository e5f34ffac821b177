// What a developer needs, beyond the roles of operators, to run the app on their own machine against
// what is deployed. With these they may change every run, and everything that the host keeps.

@description('Object id of the developer.')
param developerId string

@description('What kind of principal the developer is.')
param developerType string

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Container of runs.')
param runsContainer string

@description('Tables of runs and ledgers.')
param dataTables array

@description('Service Bus namespace. Empty: there is none.')
param serviceBusName string

@description('Application Insights component.')
param insightsName string

@description('Whether blobs of the inbox trigger runs.')
param inboxEnabled bool

var roleIds = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  serviceBusDataSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var hasServiceBus = !empty(serviceBusName)
// What is not deployed must have a name all the same: https://github.com/Azure/bicep/issues/14528
var busName = hasServiceBus ? serviceBusName : 'none'

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

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// A host of one's own takes part in the leases, and makes the containers, queues and tables of its task hub.
resource developerHostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, developerId, roleIds.blobDataOwner)
  scope: hostStorage
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataOwner)
  }
}

resource developerHostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, developerId, roleIds.tableDataContributor)
  scope: hostStorage
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.tableDataContributor)
  }
}

resource developerHostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, developerId, roleIds.queueDataContributor)
  scope: hostStorage
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.queueDataContributor)
  }
}

resource developerRuns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runs.id, developerId, roleIds.blobDataContributor)
  scope: runs
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataContributor)
  }
}

resource developerTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (each, i) in dataTables: {
  name: guid(tables[i].id, developerId, roleIds.tableDataContributor)
  scope: tables[i]
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.tableDataContributor)
  }
}]

resource developerInboxBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (inboxEnabled) {
  name: guid(inbox.id, developerId, roleIds.blobDataOwner)
  scope: inbox
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.blobDataOwner)
  }
}

resource developerInboxQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (inboxEnabled) {
  name: guid(dataStorage.id, developerId, roleIds.queueDataContributor)
  scope: dataStorage
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.queueDataContributor)
  }
}

// Requests they may send and take as operators.
resource developerDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(deadLetters.id, developerId, roleIds.serviceBusDataSender)
  scope: deadLetters
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource developerShipments 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(shipments.id, developerId, roleIds.serviceBusDataSender)
  scope: shipments
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource developerEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasServiceBus) {
  name: guid(events.id, developerId, roleIds.serviceBusDataSender)
  scope: events
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.serviceBusDataSender)
  }
}

resource developerTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, developerId, roleIds.monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId(definitions, roleIds.monitoringMetricsPublisher)
  }
}
