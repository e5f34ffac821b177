// The namespace with what comes in (requests), what goes out (events, shipments), and what was given
// up on. The same entities as localhost/servicebus.json, which a test holds them to.

@description('Name of the namespace.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Workspace that takes logs and metrics.')
param workspaceId string

@description('Whether only a private endpoint reaches the namespace; that takes the Premium tier.')
param isPrivate bool

@description('Addresses, or ranges of them, from where a private namespace is reached all the same.')
param allowedIps array

var skuName = isPrivate ? 'Premium' : 'Standard'
var isShut = isPrivate && empty(allowedIps)
var letsSomeIn = isPrivate && !empty(allowedIps)
var publicAccess = isShut ? 'Disabled' : 'Enabled'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: skuName
    tier: skuName
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicAccess
  }
}

// Without addresses to let in the namespace itself is shut, whatever rules were left here.
resource rules 'Microsoft.ServiceBus/namespaces/networkRuleSets@2024-01-01' = if (letsSomeIn) {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: publicAccess
    defaultAction: 'Deny'
    trustedServiceAccessEnabled: true
    ipRules: [for each in allowedIps: {
      action: 'Allow'
      ipMask: each
    }]
  }
}

// A run is called after its message, so a request sent twice is found again; duplicate detection
// would drop a request that is sent again on purpose with the id of a run that was deleted.
resource requests 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'fanout-requests'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    deadLetteringOnMessageExpiration: true
  }
}

resource deadLetters 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'fanout-dead-letters'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    deadLetteringOnMessageExpiration: true
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
  }
}

resource shipments 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'shipments'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    deadLetteringOnMessageExpiration: true
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
  }
}

resource events 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: namespace
  name: 'fanout-events'
  properties: {
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
  }
}

// A topic keeps nothing by itself. Events that nobody fetches expire, and are no dead letters: an
// alarm for an event that nobody wanted would be noise.
resource all 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: events
  name: 'all'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: false
    deadLetteringOnFilterEvaluationExceptions: true
  }
}

// The runs that someone has to look at.
resource failures 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: events
  name: 'failures'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: false
    deadLetteringOnFilterEvaluationExceptions: true
  }
}

// Named $Default, it takes the place of the rule that lets everything through.
resource failed 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = {
  parent: failures
  name: '$Default'
  properties: {
    filterType: 'SqlFilter'
    sqlFilter: {
      sqlExpression: 'type IN (\'fanout.run.failed\', \'fanout.run.compensated\')'
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
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

@description('Resource id of the namespace.')
output id string = namespace.id

@description('Name of the namespace.')
output name string = namespace.name

@description('Host name that clients connect to.')
output host string = '${namespace.name}.servicebus.windows.net'
