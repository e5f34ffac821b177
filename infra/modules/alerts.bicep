// What wakes somebody, and whom. Log alerts read the app's own telemetry; metric alerts read what
// Service Bus says of its queues, so they hold even when the app is silent. Without a namespace those
// of its queues are left out.

@description('Name of the action group.')
param actionGroupName string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Addresses that are mailed.')
param emails array

@description('Workspace that is asked.')
param workspaceId string

@description('Service Bus namespace that is watched. Empty: there is none.')
param serviceBusId string

var logAlerts = [
  {
    name: 'failed-runs'
    description: 'A run ended as failed, or its orchestration broke ten times. GET /api/runs?outcome=failed names it.'
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
    column: 'Failed'
    query: loadTextContent('../queries/failed-runs.kql')
  }
  {
    name: 'taken-up'
    description: 'Orchestrations of runs failed more than five times, and were begun anew: workers die, of memory mostly.'
    severity: 3
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 5
    column: 'TakeOvers'
    query: loadTextContent('../queries/taken-up.kql')
  }
  {
    name: 'oldest-message'
    description: 'Requests are taken more than ten minutes late: there are too few instances, or start_runs fails and tries again.'
    severity: 2
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 600
    column: 'AgeSeconds'
    query: loadTextContent('../queries/oldest-message.kql')
  }
  {
    name: 'error-rate'
    description: 'More than five in a hundred invocations fail, by no fault of a caller.'
    severity: 2
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 5
    column: 'FailedPercent'
    query: loadTextContent('../queries/error-rate.kql')
  }
  {
    name: 'latency-p95'
    description: 'Of twenty calls of the HTTP API or more, one in twenty takes more than three seconds.'
    severity: 3
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 3000
    column: 'P95Ms'
    query: loadTextContent('../queries/latency-p95.kql')
  }
  {
    name: 'watchdog-silent'
    description: 'The watchdog, a timer of every half minute, did not succeed for a quarter of an hour: the app is down.'
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'LessThan'
    threshold: 1
    column: 'Beats'
    query: loadTextContent('../queries/watchdog-silent.kql')
  }
]

var queueAlerts = [
  {
    name: 'dead-lettered'
    description: 'Service Bus put messages aside after ten deliveries.'
    severity: 1
    metric: 'DeadletteredMessages'
    aggregation: 'Maximum'
    entities: [
      '*'
    ]
  }
  {
    name: 'given-up'
    description: 'Runs gave up on items: their dead letters wait in fanout-dead-letters.'
    severity: 2
    metric: 'ActiveMessages'
    aggregation: 'Maximum'
    entities: [
      'fanout-dead-letters'
    ]
  }
  {
    name: 'requests-pile-up'
    description: 'The queue of requests was not empty for a quarter of an hour.'
    severity: 2
    metric: 'ActiveMessages'
    aggregation: 'Minimum'
    entities: [
      'fanout-requests'
    ]
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'fanout'
    emailReceivers: [for each in emails: {
      name: each
      emailAddress: each
      useCommonAlertSchema: true
    }]
  }
}

resource logAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for each in logAlerts: if (each.name != 'oldest-message' || !empty(serviceBusId)) {
  name: each.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Fanout: ${each.name}'
    description: each.description
    enabled: true
    severity: each.severity
    scopes: [
      workspaceId
    ]
    evaluationFrequency: each.frequency
    windowSize: each.window
    autoMitigate: true
    // A table may not be there before the first telemetry is.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: each.query
          metricMeasureColumn: each.column
          timeAggregation: 'Maximum'
          operator: each.operator
          threshold: each.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroup.id
      ]
    }
  }
}]

resource queueAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = [for each in queueAlerts: if (!empty(serviceBusId)) {
  name: each.name
  location: 'global'
  tags: tags
  properties: {
    description: each.description
    enabled: true
    severity: each.severity
    scopes: [
      serviceBusId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: each.name
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: each.metric
          timeAggregation: each.aggregation
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [
            {
              name: 'EntityName'
              operator: 'Include'
              values: each.entities
            }
          ]
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}]

@description('Resource id of the action group.')
output actionGroupId string = actionGroup.id
