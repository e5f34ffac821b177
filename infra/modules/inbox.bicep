// Where Event Grid takes the events of the data account from. The subscription that hands them to the
// app is made after a deployment (azure.yaml): its key exists, and answers, only once the app runs.

@description('Name of the system topic.')
param name string

@description('Azure region; that of the account.')
param location string

@description('Tags of the resource.')
param tags object

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Workspace that takes the log of what could not be delivered.')
param workspaceId string

resource dataStorage 'Microsoft.Storage/storageAccounts@2022-09-01' existing = {
  name: dataStorageName
}

// Azure allows one for each account, and refuses a second.
resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    source: dataStorage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: topic
  properties: {
    workspaceId: workspaceId
    // Whether blobs came in and no run began is asked here.
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Name of the system topic.')
output topicName string = topic.name
