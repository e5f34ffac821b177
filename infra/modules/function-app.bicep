// The function app on its Flex Consumption plan, its settings, and who may call it.

@description('Name of the app.')
param name string

@description('Name of the plan.')
param planName string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Blob container that deployments put the package in.')
param packageUrl string

@description('App settings, by name.')
param settings object

@description('Subnet that the app joins. Empty: none.')
param subnetId string

@allowed([
  'Recreate'
  'RollingUpdate'
])
@description('How instances get a new version: all at once, or a few at a time.')
param updateStrategy string

@description('Version of Python that the app runs on.')
param pythonVersion string

@description('Most instances that each scale group may grow to.')
param maximumInstanceCount int

@description('Memory of an instance in MB.')
param instanceMemoryMB int

@description('Instances that always wait for orchestrators, activities and entities.')
param durableAlwaysReady int

@description('Client id of the app registration whose tokens are asked for. Empty: function keys only.')
param authClientId string

@description('Whether Event Grid calls the app for blobs of the inbox.')
param inboxEnabled bool

@description('Workspace that takes the app\'s logs and metrics.')
param workspaceId string

var asksForTokens = !empty(authClientId)
// The probe is told nothing but states. Event Grid has the system key of the blob extension.
var openPaths = inboxEnabled ? [
  '/api/health'
  '/runtime/webhooks/blobs'
] : [
  '/api/health'
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  // checkov:skip=CKV_AZURE_225: Zones are not in every region that has Flex Consumption; durable state outlives an instance.
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  // Another one may have a limit of 10 minutes, with which host.json keeps the host from starting: docs/reference/plans.md
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

// The first version that takes siteUpdateStrategy.
resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17: Callers prove themselves by key or Entra token; certificates would shut Event Grid and probes out.
  // checkov:skip=CKV_AZURE_212: Flex Consumption counts instances by itself; durableAlwaysReady keeps the least.
  // checkov:skip=CKV_AZURE_213: Flex Consumption replaces instances by itself; the alert 'watchdog-silent' tells of a dead app.
  // checkov:skip=CKV_AZURE_222: The HTTP API is for callers outside; what lies behind it is private with vnetEnabled.
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: durableAlwaysReady == 0 ? [] : [
          {
            name: 'durable'
            instanceCount: durableAlwaysReady
          }
        ]
      }
      // Documented for this version, and in no type of Bicep yet (August 2026).
      #disable-next-line BCP037
      siteUpdateStrategy: {
        type: updateStrategy
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  // checkov:skip=CKV_AZURE_13: Settings only: who signs in is said by authsettingsV2 below.
  // checkov:skip=CKV_AZURE_63: Not the config 'web', which has HTTP logs; App Insights has every request.
  // checkov:skip=CKV_AZURE_65: Not the config 'web', which has error pages; callers get problem details.
  // checkov:skip=CKV_AZURE_66: Not the config 'web', which has request tracing; App Insights has traces.
  // checkov:skip=CKV_AZURE_80: Not the config 'web', which has the .NET version; the app is Python.
  // checkov:skip=CKV_AZURE_88: Not the config 'web', which has Azure Files; Flex Consumption has none.
  // checkov:skip=CKV_AZURE_222: Said of the site above, whose property this is; the HTTP API is for callers.
  parent: app
  name: 'appsettings'
  properties: settings
}

// Always there, so that turning it off again takes effect too.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = {
  // checkov:skip=CKV_AZURE_13: The check knows 'authsettings', the older one; this is its successor.
  // checkov:skip=CKV_AZURE_63: Not the config 'web', which has HTTP logs; App Insights has every request.
  // checkov:skip=CKV_AZURE_65: Not the config 'web', which has error pages; callers get problem details.
  // checkov:skip=CKV_AZURE_66: Not the config 'web', which has request tracing; App Insights has traces.
  // checkov:skip=CKV_AZURE_80: Not the config 'web', which has the .NET version; the app is Python.
  // checkov:skip=CKV_AZURE_88: Not the config 'web', which has Azure Files; Flex Consumption has none.
  // checkov:skip=CKV_AZURE_222: Said of the site above, whose property this is; the HTTP API is for callers.
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: asksForTokens
    }
    globalValidation: {
      requireAuthentication: asksForTokens
      unauthenticatedClientAction: asksForTokens ? 'Return401' : 'AllowAnonymous'
      excludedPaths: openPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: asksForTokens
        registration: {
          clientId: authClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            authClientId
            'api://${authClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
  dependsOn: [
    appSettings
  ]
}

// Deployments come with an Entra token; user names and passwords are of no use.
resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource deploymentPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
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

@description('Name of the app.')
output name string = app.name

@description('Where the app answers.')
output url string = 'https://${app.properties.defaultHostName}'
