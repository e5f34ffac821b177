// The page that whoever is on call opens first: runs, items, queues, failures.

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Workspace that is asked.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'fanout-runs')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Fanout runs'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('../workbook.json')
  }
}
