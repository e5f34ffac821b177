// Every app setting, in one place: the names of local.settings.json.example, the connections by
// identity, and what the platform takes. None of the values is a secret: those are references to the
// vault. FUNCTIONS_WORKER_RUNTIME and its kin are functionAppConfig on Flex Consumption.

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Storage account of the host.')
param hostStorageName string

@description('Storage account of inputs and runs.')
param dataStorageName string

@description('Container of runs.')
param runsContainer string

@description('Host name of the Service Bus namespace. Empty: there is none.')
param serviceBusHost string

@description('Where telemetry is sent.')
param insightsConnectionString string

@description('Address of the vault, with a slash at the end. Empty: there is none.')
param vaultUri string

@description('Settings whose values are secrets of the vault.')
param vaultSettings array

@description('Address of the Durable Task Scheduler. Empty: the task hub is in the host\'s storage.')
param schedulerEndpoint string

@description('Whether callers sign in with Entra ID; then their roles are asked for, and no function keys.')
param signIn bool

@description('Containers that callers may have read, by name or by pattern.')
param sourceContainers array

@description('Whether blobs dropped into the inbox are run over.')
param inboxEnabled bool

@description('Activities that an instance runs at once. 0: as many as host.json says.')
param maxActivities int

@description('Orchestrators that an instance runs at once. 0: as many as host.json says.')
param maxOrchestrators int

@description('Days after which a run is deleted.')
param runRetentionDays int

@description('Settings that replace those below, by name.')
param overrides object

var durableLimits = loadJsonContent('../../host.json', 'extensions.durableTask')
var activityLimit = maxActivities == 0 ? durableLimits.maxConcurrentActivityFunctions : maxActivities
var orchestratorLimit = maxOrchestrators == 0 ? durableLimits.maxConcurrentOrchestratorFunctions : maxOrchestrators
var storageSuffix = environment().suffixes.storage

var connections = {
  AzureWebJobsStorage__accountName: hostStorageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  FANOUT_STORAGE__blobServiceUri: 'https://${dataStorageName}.blob.${storageSuffix}'
  FANOUT_STORAGE__queueServiceUri: 'https://${dataStorageName}.queue.${storageSuffix}'
  FANOUT_STORAGE__credential: 'managedidentity'
  FANOUT_STORAGE__clientId: identityClientId
}

// Without them the app starts no run by message and sends nothing at its end.
var messaging = empty(serviceBusHost) ? {} : {
  FANOUT_SERVICE_BUS__fullyQualifiedNamespace: serviceBusHost
  FANOUT_SERVICE_BUS__credential: 'managedidentity'
  FANOUT_SERVICE_BUS__clientId: identityClientId
}

var fanout = {
  FANOUT_RUNS_CONTAINER: runsContainer
  FANOUT_MAX_REQUEST_BYTES: '2097152'
  FANOUT_MAX_UNCOMPRESSED_BYTES: '68719476736'
  FANOUT_MAX_COMPRESSION_RATIO: '200'
  FANOUT_MAX_RUNS: '16'
  FANOUT_LEFT_BEHIND_SECONDS: '120'
  FANOUT_SCAN_RANGE_BYTES: '67108864'
  FANOUT_MAX_RESULT_FILE_BYTES: '67108864'
  FANOUT_MAX_BATCH_MEMORY: '184549376'
  // Durable's own URLs carry the task hub's key.
  FANOUT_EXPOSE_DURABLE_URLS: 'false'
  FANOUT_LOG_LEVEL: 'INFO'
  FANOUT_INBOX: string(inboxEnabled)
  FANOUT_RETENTION_DAYS: string(runRetentionDays)
  FANOUT_SOURCE_CONTAINERS: join(sourceContainers, ',')
  FANOUT_SIGN_IN: string(signIn)
  FANOUT_MAX_REQUESTS_PER_MINUTE: '6000'
  FANOUT_NIGHTLY_REPORT: 'false'
  FANOUT_DOWNSTREAM_RATES: ''
  FANOUT_SMTP: ''
  FANOUT_WEBHOOK_SECRET: ''
  FANOUT_ALLOW_PRIVATE_WEBHOOKS: 'false'
  FANOUT_SMS_URL: ''
  FANOUT_SMS_TOKEN: ''
}

var platform = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
  // One pool serves every function that is not async: as many threads as host.json lets activities and
  // orchestrators run at once, and four for the others. With fewer, activities would keep runs from
  // moving on, and what the host has fetched would wait here, though other instances are free.
  PYTHON_THREADPOOL_THREAD_COUNT: string(activityLimit + orchestratorLimit + 4)
  // Not in host.json: without Application Insights the extension warns of it at each start.
  AzureFunctionsJobHost__extensions__durableTask__tracing__distributedTracingEnabled: 'true'
  AzureFunctionsJobHost__extensions__durableTask__tracing__version: 'V2'
  // The death of the only worker fails every orchestration whose turn comes before there is another.
  FUNCTIONS_WORKER_PROCESS_COUNT: '2'
}

// That it is the backend is said in the host.json of the package: the scale controller reads that file,
// and no app setting in its place.
var scheduler = empty(schedulerEndpoint) ? {} : {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
}

// Whatever is listed: a setting of a workload may be a secret as well as one of those above.
// `toObject` would say it better, and checkov cannot read it.
var references = [for each in vaultSettings: '"${each}":"@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${toLower(replace(each, '_', '-'))})"']
var secrets = json('{${join(references, ',')}}')

@description('The app settings, by name.')
output values object = union(connections, messaging, fanout, platform, scheduler, secrets, overrides)
