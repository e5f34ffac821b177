// Everything that Fanout runs on, in one resource group. `azd up` deploys it; README.md says what
// each parameter does and what it costs.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the environment: azd names the resource group and tags every resource after it.')
param environmentName string

// Those with Flex Consumption, as Microsoft's quickstart lists them, without the one for early access:
// https://github.com/Azure-Samples/functions-quickstart-python-http-azd/blob/0bb0f1062c51605e3fdeea59c4f669b550acf92e/infra/main.bicep
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@description('Azure region of every resource; it must offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

// azd puts whoever deploys into these two, whatever the environment says.
@description('Object id of who deploys; may drop inputs, read results and handle dead letters. Empty: nobody besides the app and the operators.')
param principalId string = ''

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
@description('What kind of principal principalId is.')
param principalType string = 'User'

@description('Object id of the operators, who may do the same. Empty: nobody besides who deploys.')
param operatorsId string = ''

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
@description('What kind of principal operatorsId is.')
param operatorsType string = 'Group'

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

@description('Azure region of the Durable Task Scheduler. Empty: that of every other resource.')
param schedulerLocation string = ''

@description('Makes a Service Bus namespace: requests come as messages, events and dead letters go out, orders can run.')
param serviceBusEnabled bool = false

// On an environment that is there the stores are shut before the app is in: docs/how-to/network.md has it stopped first.
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

@minValue(0)
@maxValue(20)
@description('Instances that always wait for orchestrators, activities and entities. 0: the first run after a pause waits for a start.')
param durableAlwaysReady int = 0

@minValue(0)
@maxValue(1000)
@description('Activities that an instance runs at once. 0: as many as host.json says.')
param maxActivities int = 0

@minValue(0)
@maxValue(1000)
@description('Orchestrators that an instance runs at once. 0: as many as host.json says.')
param maxOrchestrators int = 0

@description('Client id of the app registration whose tokens the HTTP API asks for. Empty: function keys only.')
param authClientId string = ''

@description('Containers that sources may lie in, separated by commas. They are made, and the app may read them; a pattern such as orders-* is made no container and given no role.')
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

@description('App settings whose values are secrets of the vault, separated by commas: FANOUT_WEBHOOK_SECRET, or any of a workload. Empty: there is no vault.')
param vaultSettings string = ''

@description('Keeps the vault from being purged before its seven days are over. It cannot be undone, and its name is taken as long.')
param vaultPurgeProtection bool = false

// Names of one's own, by the rules of a house. Empty: made of the kind and a token, as below.
@maxLength(90)
@description('Name of the resource group. Empty: made by the template.')
param resourceGroupName string = ''

@maxLength(60)
@description('Name of the function app. Empty: made by the template.')
param functionAppName string = ''

@maxLength(40)
@description('Name of the plan of the app. Empty: made by the template.')
param planName string = ''

@maxLength(128)
@description('Name of the identity that the app runs as. Empty: made by the template.')
param identityName string = ''

@maxLength(24)
@description('Name of the storage account of the host. Empty: made by the template.')
param hostStorageName string = ''

@maxLength(24)
@description('Name of the storage account of inputs and runs. Empty: made by the template.')
param dataStorageName string = ''

// Azure takes 50, of which '-premium' is eight.
@maxLength(42)
@description('Name of the Service Bus namespace, which gets -premium after it with vnetEnabled. Empty: made by the template.')
param serviceBusName string = ''

@maxLength(24)
@description('Name of the Key Vault. Empty: made by the template.')
param keyVaultName string = ''

@maxLength(64)
@description('Name of the Durable Task Scheduler. Empty: made by the template.')
param schedulerName string = ''

@maxLength(63)
@description('Name of the Log Analytics workspace. Empty: made by the template.')
param workspaceName string = ''

@maxLength(260)
@description('Name of the Application Insights component. Empty: made by the template.')
param insightsName string = ''

@maxLength(64)
@description('Name of the virtual network. Empty: made by the template.')
param networkName string = ''

@description('App settings that replace those of modules/app-settings.bicep, by name.')
param appSettingOverrides object = {}

@description('Addresses that alerts and budget warnings are mailed to, separated by commas. Empty: alerts show in the portal only.')
param alertEmails string = ''

@minValue(0)
@description('Monthly budget in the currency of the subscription; 0 makes none.')
param budgetAmount int = 0

@description('First day of the month from which the budget counts. Empty: this month. That of a budget which exists may not change.')
param budgetStartDate string = ''

@description('First day of this month; leave it to the template.')
param currentMonth string = utcNow('yyyy-MM-01')

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
// A namespace cannot become Premium in place, nor Standard again: each tier has one of its own.
var serviceBusOwnName = '${serviceBusName}${vnetEnabled ? '-premium' : ''}'
var serviceBusDefaultName = '${abbreviations.serviceBusNamespace}${vnetEnabled ? 'premium-' : ''}${resourceToken}'
var names = {
  group: empty(resourceGroupName) ? '${abbreviations.resourceGroup}${environmentName}' : resourceGroupName
  app: empty(functionAppName) ? '${abbreviations.functionApp}${resourceToken}' : functionAppName
  plan: empty(planName) ? '${abbreviations.serverFarm}${resourceToken}' : planName
  identity: empty(identityName) ? '${abbreviations.userAssignedIdentity}${resourceToken}' : identityName
  hostStorage: empty(hostStorageName) ? '${abbreviations.storageAccount}host${resourceToken}' : hostStorageName
  dataStorage: empty(dataStorageName) ? '${abbreviations.storageAccount}data${resourceToken}' : dataStorageName
  serviceBus: empty(serviceBusName) ? serviceBusDefaultName : serviceBusOwnName
  keyVault: empty(keyVaultName) ? '${abbreviations.keyVault}${resourceToken}' : keyVaultName
  scheduler: empty(schedulerName) ? '${abbreviations.durableTaskScheduler}${resourceToken}' : schedulerName
  workspace: empty(workspaceName) ? '${abbreviations.logAnalyticsWorkspace}${resourceToken}' : workspaceName
  insights: empty(insightsName) ? '${abbreviations.applicationInsights}${resourceToken}' : insightsName
  network: empty(networkName) ? '${abbreviations.virtualNetwork}${resourceToken}' : networkName
}
// Whatever the app is called: containers take fewer letters, and a package is looked for where it was.
var packageContainer = 'app-package-${abbreviations.functionApp}${resourceToken}-${take(resourceToken, 7)}'
var runsContainer = 'runs'
// Of the runs in that container, and of the workload orders.
var dataTables = [
  'fanoutruns'
  'fanoutinventory'
  'fanoutshipments'
  'fanoutwallet'
]
// Lists are read as the app reads its own: a comma too many and a repeat count for nothing, and Azure
// refuses a container without a name, and a role that is given twice.
var listedContainers = filter(split(replace(sourceContainers, ' ', ''), ','), each => !empty(each))
var readableContainers = empty(listedContainers) ? [
  'inbox'
] : union(listedContainers, listedContainers)
// A pattern is no name: the containers that it stands for are made, and opened to the app, by whoever has them.
var namedContainers = filter(readableContainers, each => !contains(each, '*'))
var inputContainers = inboxEnabled ? union(namedContainers, [
  'inbox'
]) : namedContainers
var listedEmails = filter(split(replace(alertEmails, ' ', ''), ','), each => !empty(each))
var emails = union(listedEmails, listedEmails)
var isOnScheduler = durableBackend == 'DurableTaskScheduler'
var listedSecrets = filter(split(replace(vaultSettings, ' ', ''), ','), each => !empty(each))
var secretSettings = union(listedSecrets, listedSecrets)
var hasVault = !empty(secretSettings)
var budgetStart = empty(budgetStartDate) ? currentMonth : budgetStartDate
// Storage refuses /32 after an address.
var listedIps = filter(split(replace(replace(allowedIps, ' ', ''), '/32', ''), ','), each => !empty(each))
var outsideIps = vnetEnabled ? union(listedIps, listedIps) : []
var hasNatGateway = vnetEnabled && natGatewayEnabled
var hasDeveloper = developerRoles && !empty(principalId)

resource group 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: names.group
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: names.identity
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
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
    name: names.hostStorage
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
    name: names.dataStorage
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

module serviceBus 'modules/service-bus.bicep' = if (serviceBusEnabled) {
  name: 'service-bus'
  scope: group
  params: {
    name: names.serviceBus
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: outsideIps
  }
}

module keyVault 'modules/key-vault.bicep' = if (hasVault) {
  name: 'key-vault'
  scope: group
  params: {
    name: names.keyVault
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    isPrivate: vnetEnabled
    allowedIps: outsideIps
    purgeProtection: vaultPurgeProtection
  }
}

module scheduler 'modules/durable-task.bicep' = if (isOnScheduler) {
  name: 'durable-task'
  scope: group
  params: {
    name: names.scheduler
    location: empty(schedulerLocation) ? location : schedulerLocation
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
    vnetName: names.network
    securityGroupName: '${abbreviations.networkSecurityGroup}${resourceToken}'
    endpointPrefix: abbreviations.privateEndpoint
    location: location
    tags: tags
    hostStorageName: hostStorage.outputs.name
    dataStorageName: dataStorage.outputs.name
    serviceBusName: serviceBusEnabled ? serviceBus!.outputs.name : ''
    keyVaultName: hasVault ? keyVault!.outputs.name : ''
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
    serviceBusName: serviceBusEnabled ? serviceBus!.outputs.name : ''
    keyVaultName: hasVault ? keyVault!.outputs.name : ''
    insightsName: monitoring.outputs.insightsName
    usesStorageHub: !isOnScheduler
    inboxEnabled: inboxEnabled
  }
}

module deployerRoles 'modules/operator-roles.bicep' = if (!empty(principalId)) {
  name: 'deployer-roles'
  scope: group
  params: {
    operatorId: principalId
    operatorType: principalType
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    sourceContainers: inputContainers
    serviceBusName: serviceBusEnabled ? serviceBus!.outputs.name : ''
  }
}

// Who operates and deploys is given the roles above, once.
module operatorRoles 'modules/operator-roles.bicep' = if (!empty(operatorsId) && operatorsId != principalId) {
  name: 'operator-roles'
  scope: group
  params: {
    operatorId: operatorsId
    operatorType: operatorsType
    dataStorageName: dataStorage.outputs.name
    runsContainer: runsContainer
    sourceContainers: inputContainers
    serviceBusName: serviceBusEnabled ? serviceBus!.outputs.name : ''
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
    serviceBusHost: serviceBusEnabled ? serviceBus!.outputs.host : ''
    insightsConnectionString: monitoring.outputs.connectionString
    vaultUri: hasVault ? keyVault!.outputs.uri : ''
    vaultSettings: secretSettings
    schedulerEndpoint: isOnScheduler ? scheduler!.outputs.endpoint : ''
    signIn: !empty(authClientId)
    sourceContainers: inboxEnabled ? union(readableContainers, [
      'inbox'
    ]) : readableContainers
    inboxEnabled: inboxEnabled
    maxActivities: maxActivities
    maxOrchestrators: maxOrchestrators
    runRetentionDays: runRetentionDays
    overrides: appSettingOverrides
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: names.app
    planName: names.plan
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
    serviceBusId: serviceBusEnabled ? serviceBus!.outputs.id : ''
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
    startDate: budgetStart
    emails: emails
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module requirements 'modules/requirements.bicep' = {
  name: 'requirements'
  scope: group
  params: {
    // any: or the compiler would want a value that it knows to be true.
    allowedIpsHaveNetwork: any(vnetEnabled || empty(listedIps))
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
    serviceBusName: serviceBusEnabled ? serviceBus!.outputs.name : ''
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

@description('Tenant that the resources trust.')
output AZURE_TENANT_ID string = subscription().tenantId

@description('Name of the function app.')
output AZURE_FUNCTION_NAME string = app.outputs.name

@description('Where the HTTP API answers.')
output FANOUT_URL string = app.outputs.url

@description('Storage account of inputs and runs.')
output FANOUT_DATA_STORAGE string = dataStorage.outputs.name

@description('Service Bus namespace. Empty: there is none.')
output FANOUT_SERVICE_BUS_NAME string = serviceBusEnabled ? serviceBus!.outputs.name : ''

@description('Key Vault that the app reads secrets from. Empty: there is none.')
output FANOUT_KEY_VAULT string = hasVault ? keyVault!.outputs.name : ''

// azd keeps it in the environment, and takes it out again with what `azd down` has deleted: the budget
// of the next month has the start of this one, and one that is made anew a start of its own.
@description('First day of the month from which the budget counts. Empty: there was never one.')
output FANOUT_BUDGET_START string = budgetAmount > 0 ? budgetStart : budgetStartDate

@description('System topic of the data account, which the inbox is subscribed to. Empty: no inbox.')
output FANOUT_INBOX_TOPIC string = inboxEnabled ? inbox!.outputs.topicName : ''

@description('Address that the app calls out from. Empty: it has none that stays.')
output FANOUT_OUTBOUND_IP string = hasNatGateway ? network!.outputs.outboundAddress : ''

@description('Storage account of the host: its leases and packages, and the task hub where that is the backend.')
output FANOUT_HOST_STORAGE string = hostStorage.outputs.name

@description('Address of the Durable Task Scheduler. Empty: the task hub is in the storage of the host.')
output FANOUT_SCHEDULER_ENDPOINT string = isOnScheduler ? scheduler!.outputs.endpoint : ''
