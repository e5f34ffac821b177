// Everything that Fanout runs on, in one resource group. `azd up` deploys it; README.md says what
// each parameter does and what it costs.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the environment: azd names the resource group and tags every resource after it.')
param environmentName string

@minLength(1)
@description('Azure region of every resource; it must offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of who may drop inputs, read results and handle dead letters. Empty: nobody besides the app.')
param principalId string = ''

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
@description('What kind of principal principalId is.')
param principalType string = 'User'

@allowed([
  'AzureStorage'
  'DurableTaskScheduler'
])
@description('Where Durable Functions keeps its state. Changing it starts an empty task hub: drain the app first.')
param durableBackend string = 'AzureStorage'

@allowed([
  'Consumption'
  'Dedicated'
])
@description('SKU of the Durable Task Scheduler, where that is the backend.')
param schedulerSku string = 'Consumption'

@description('Puts storage, Service Bus and Key Vault behind private endpoints, in a virtual network that the app joins.')
param vnetEnabled bool = false

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
@description('How both storage accounts keep their copies: in one zone, or over three where the region has them.')
param storageSku string = 'Standard_LRS'

@allowed([
  '3.11'
  '3.12'
  '3.13'
])
@description('Version of Python that the app runs on; the newest that both the app and Flex Consumption know.')
param pythonVersion string = '3.13'

@minValue(1)
@maxValue(1000)
@description('Most instances that each scale group may grow to.')
param maximumInstanceCount int = 100

@allowed([
  512
  2048
  4096
])
@description('Memory of an instance in MB; cores go with it (0.25, 1, 2).')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(20)
@description('Instances that always wait for orchestrators, activities and entities.')
param durableAlwaysReady int = 1

@description('Client id of the app registration whose tokens the HTTP API asks for. Empty: function keys only.')
param authClientId string = ''

@description('Containers that sources may lie in, separated by commas; the app may read them and nothing else.')
param sourceContainers string = 'inbox'

@description('Runs over blobs that are dropped into the container inbox (see docs/operations.md for the event subscription).')
param inboxEnabled bool = false

@minValue(1)
@maxValue(3650)
@description('Days after which a run, its history and its blobs are deleted.')
param runRetentionDays int = 90

@minValue(30)
@maxValue(730)
@description('Days that logs and metrics are kept.')
param logRetentionDays int = 30

@description('App settings whose values are secrets of the vault, separated by commas, such as FANOUT_WEBHOOK_SECRET.')
param vaultSettings string = ''

@description('App settings that replace those of modules/app-settings.bicep, by name.')
param appSettingOverrides object = {}

@description('Addresses that alerts and budget warnings are mailed to, separated by commas. Empty: alerts show in the portal only.')
param alertEmails string = ''

@minValue(0)
@description('Monthly budget in the currency of the subscription; 0 makes none.')
param budgetAmount int = 0

@description('First day of the month from which the budget counts.')
param budgetStartDate string = utcNow('yyyy-MM-01')

@description('Public IPv4 addresses or ranges, separated by commas, from where private storage, Service Bus and Key Vault are reached; needs vnetEnabled.')
param allowedIps string = ''

@description('Whether the app calls out from one address that stays, for services that let in known addresses only; needs vnetEnabled.')
param natGatewayEnabled bool = false

@allowed([
  'Recreate'
  'RollingUpdate'
])
@description('How instances get a new version: all at once, or a few at a time (preview), so that two versions run beside each other.')
param updateStrategy string = 'Recreate'

@description('Whether the deployer may also run the app on their own machine against what is deployed.')
param developerRoles bool = false

var abbreviations = loadJsonContent('abbreviations.json')
var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
// The same as in host.json, and as the Durable Task Scheduler's hub.
var taskHubName = 'FanoutHub'
var appName = '${abbreviations.functionApp}${resourceToken}'
var packageContainer = 'app-package-${take(appName, 32)}-${take(resourceToken, 7)}'
var runsContainer = 'runs'
// Of the runs in that container, and of the workload orders.
var dataTables = [
  'fanoutruns'
  'fanoutinventory'
  'fanoutshipments'
  'fanoutwallet'
]
var namedContainers = empty(sourceContainers) ? [] : split(replace(sourceContainers, ' ', ''), ',')
var inputContainers = inboxEnabled ? union(namedContainers, [
  'inbox'
]) : namedContainers
var emails = empty(alertEmails) ? [] : split(replace(alertEmails, ' ', ''), ',')
var isOnScheduler = durableBackend == 'DurableTaskScheduler'
// A namespace cannot become Premium in place, nor Standard again: each tier has one of its own.
var serviceBusDefaultName = '${abbreviations.serviceBusNamespace}${vnetEnabled ? 'premium-' : ''}${resourceToken}'
// Storage refuses /32 after an address.
var outsideIps = vnetEnabled && !empty(allowedIps) ? split(replace(replace(allowedIps, ' ', ''), '/32', ''), ',') : []
var hasNatGateway = vnetEnabled && natGatewayEnabled
var hasDeveloper = developerRoles && !empty(principalId)

resource group 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.userAssignedIdentity}${resourceToken}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.logAnalyticsWorkspace}${resourceToken}'
    insightsName: '${abbreviations.applicationInsights}${resourceToken}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

// Host and data are apart: the task hub's queues do not share throughput with the blobs of runs, and
// whoever may read results gets nowhere near the host's keys and packages.
module hostStorage 'modules/storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}host${resourceToken}'
    location: location
    tags: tags
    skuName: storageSku
    containers: [
      packageContainer
    ]
    tables: []
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: hasDeveloper ? outsideIps : []
    temporaryPrefix: ''
    temporaryDays: 0
  }
}

module dataStorage 'modules/storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}data${resourceToken}'
    location: location
    tags: tags
    skuName: storageSku
    containers: union(inputContainers, [
      runsContainer
    ])
    tables: dataTables
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: outsideIps
    // The app's own sweep deletes runs whole; this takes what it could not, a week later.
    temporaryPrefix: '${runsContainer}/'
    temporaryDays: runRetentionDays + 7
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  scope: group
  params: {
    name: serviceBusDefaultName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: outsideIps
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    name: '${abbreviations.keyVault}${resourceToken}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: outsideIps
  }
}

module scheduler 'modules/durable-task.bicep' = if (isOnScheduler) {
  name: 'durable-task'
  scope: group
  params: {
    name: '${abbreviations.durableTaskScheduler}${resourceToken}'
    location: location
    tags: tags
    skuName: schedulerSku
    taskHubName: taskHubName
    identityPrincipalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    vnetName: '${abbreviations.virtualNetwork}${resourceToken}'
    securityGroupName: '${abbreviations.networkSecurityGroup}${resourceToken}'
    endpointPrefix: abbreviations.privateEndpoint
    location: location
    tags: tags
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    serviceBusName: serviceBus.outputs.name
    keyVaultName: keyVault.outputs.name
    natGatewayEnabled: hasNatGateway
    natGatewayName: '${abbreviations.natGateway}${resourceToken}'
    natAddressName: '${abbreviations.publicAddress}${resourceToken}'
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    identityPrincipalId: identity.outputs.principalId
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    sourceContainers: inputContainers
    dataTables: dataTables
    serviceBusName: serviceBus.outputs.name
    keyVaultName: keyVault.outputs.name
    insightsName: monitoring.outputs.insightsName
    usesStorageHub: !isOnScheduler
    inboxEnabled: inboxEnabled
  }
}

module operatorRoles 'modules/operator-roles.bicep' = if (!empty(principalId)) {
  name: 'operator-roles'
  scope: group
  params: {
    operatorId: principalId
    operatorType: principalType
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    sourceContainers: inputContainers
    serviceBusName: serviceBus.outputs.name
  }
}

module settings 'modules/app-settings.bicep' = {
  name: 'app-settings'
  scope: group
  params: {
    identityClientId: identity.outputs.clientId
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    serviceBusHost: serviceBus.outputs.host
    insightsConnectionString: monitoring.outputs.connectionString
    vaultUri: keyVault.outputs.uri
    vaultSettings: vaultSettings
    schedulerEndpoint: isOnScheduler ? scheduler!.outputs.endpoint : ''
    taskHubName: taskHubName
    signIn: !empty(authClientId)
    sourceContainers: inputContainers
    inboxEnabled: inboxEnabled
    runRetentionDays: runRetentionDays
    overrides: appSettingOverrides
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: appName
    planName: '${abbreviations.serverFarm}${resourceToken}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageUrl: '${hostStorage.outputs.blobEndpoint}${packageContainer}'
    settings: settings.outputs.values
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    updateStrategy: updateStrategy
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    pythonVersion: pythonVersion
    durableAlwaysReady: durableAlwaysReady
    authClientId: authClientId
    inboxEnabled: inboxEnabled
    workspaceId: monitoring.outputs.workspaceId
  }
  // Without its roles the app would start, fail to reach storage, and back off.
  dependsOn: [
    roles
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    actionGroupName: '${abbreviations.actionGroup}${resourceToken}'
    location: location
    tags: tags
    emails: emails
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0) {
  name: 'budget'
  scope: group
  params: {
    name: '${abbreviations.budget}${environmentName}'
    amount: budgetAmount
    startDate: budgetStartDate
    emails: emails
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module requirements 'modules/requirements.bicep' = {
  name: 'requirements'
  scope: group
  params: {
    // any: or the compiler would want a value that it knows to be true.
    allowedIpsHaveNetwork: any(vnetEnabled || empty(allowedIps))
    natGatewayHasNetwork: any(vnetEnabled || !natGatewayEnabled)
  }
}

module inbox 'modules/inbox.bicep' = if (inboxEnabled) {
  name: 'inbox'
  scope: group
  params: {
    name: '${abbreviations.systemTopic}${resourceToken}'
    location: location
    tags: tags
    dataStorageName: dataStorage.outputs.name
    workspaceId: monitoring.outputs.workspaceId
  }
}

module developer 'modules/developer-roles.bicep' = if (hasDeveloper) {
  name: 'developer-roles'
  scope: group
  params: {
    developerId: principalId
    developerType: principalType
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    dataTables: dataTables
    serviceBusName: serviceBus.outputs.name
    insightsName: monitoring.outputs.insightsName
    inboxEnabled: inboxEnabled
  }
}

module developerHub 'modules/developer-hub.bicep' = if (hasDeveloper && isOnScheduler) {
  name: 'developer-hub'
  scope: group
  params: {
    schedulerName: scheduler!.outputs.name
    developerId: principalId
    developerType: principalType
  }
}

@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Region of every resource.')
output AZURE_LOCATION string = location

@description('Tenant that the resources trust.')
output AZURE_TENANT_ID string = subscription().tenantId

@description('Name of the function app.')
output AZURE_FUNCTION_NAME string = app.outputs.name

@description('Where the HTTP API answers.')
output FANOUT_URL string = app.outputs.url

@description('Storage account of inputs and runs.')
output FANOUT_DATA_STORAGE string = dataStorage.outputs.name

@description('Service Bus namespace.')
output FANOUT_SERVICE_BUS_NAME string = serviceBus.outputs.name

@description('Key Vault that the app reads secrets from.')
output FANOUT_KEY_VAULT string = keyVault.outputs.name

@description('System topic of the data account, which the inbox is subscribed to. Empty: no inbox.')
output FANOUT_INBOX_TOPIC string = inboxEnabled ? inbox!.outputs.topicName : ''

@description('Address that the app calls out from. Empty: it has none that stays.')
output FANOUT_OUTBOUND_IP string = hasNatGateway ? network!.outputs.outboundAddress : ''

@description('Storage account of the host: its leases and packages, and the task hub where that is the backend.')
output FANOUT_HOST_STORAGE string = hostStorage.outputs.name

@description('Address of the Durable Task Scheduler. Empty: the task hub is in the storage of the host.')
output FANOUT_SCHEDULER_ENDPOINT string = isOnScheduler ? scheduler!.outputs.endpoint : ''
