// A task hub of the developer's own on the Durable Task Scheduler: two apps on one hub would take each
// other's work. In the host's storage a host makes its hub by itself.

@description('Durable Task Scheduler.')
param schedulerName string

@description('Object id of the developer.')
param developerId string

@description('What kind of principal the developer is.')
param developerType string

var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' existing = {
  name: schedulerName
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: 'FanoutDevHub'
}

resource developerOnHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, developerId, durableTaskDataContributor)
  scope: hub
  properties: {
    principalId: developerId
    principalType: developerType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}
