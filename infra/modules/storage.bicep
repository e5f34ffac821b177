// A storage account with its containers. Access is by Entra ID alone: no account key, no shared
// access signature made from one, no anonymous blob.

@minLength(3)
@maxLength(24)
@description('Name of the account.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
@description('How copies are kept: in one zone, or over three.')
param skuName string

@description('Names of the blob containers.')
param containers array

@description('Names of the tables.')
param tables array

@description('Workspace that takes metrics and the log of deletions.')
param workspaceId string

@description('Whether only private endpoints reach the account.')
param isPrivate bool

@description('Addresses, or ranges of them, from where a private account is reached all the same.')
param allowedIps array

@description('Blobs under this prefix, container first, are deleted after temporaryDays. Empty: none are.')
param temporaryPrefix string

@description('Days since a blob under temporaryPrefix was last written.')
param temporaryDays int

var deletesTemporary = !empty(temporaryPrefix)
var isShut = isPrivate && empty(allowedIps)
var publicAccess = isShut ? 'Disabled' : 'Enabled'
var defaultAction = isPrivate ? 'Deny' : 'Allow'

resource account 'Microsoft.Storage/storageAccounts@2022-09-01' = {
  // checkov:skip=CKV_AZURE_35: Denied by isPrivate; Flex Consumption has no fixed addresses to allow without a network.
  // checkov:skip=CKV_AZURE_59: Disabled by isPrivate; otherwise Entra ID guards it, with keys and anonymous access off.
  // checkov:skip=CKV_AZURE_206: Copies in one region, by parameter in three zones: inputs lie elsewhere too, and runs can be made again.
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: publicAccess
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: defaultAction
      ipRules: [for each in allowedIps: {
        action: 'Allow'
        value: each
      }]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2022-09-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2022-09-01' = [for each in containers: {
  parent: blobs
  name: each
  properties: {
    publicAccess: 'None'
  }
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2022-09-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2022-09-01' = [for each in tables: {
  parent: tableService
  name: each
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2022-09-01' = if (deletesTemporary) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-run-data'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                temporaryPrefix
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: temporaryDays
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [
    blobs
  ]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    // Reads and writes are many thousands a run; deletions are few, and what one asks about later.
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

@description('Name of the account.')
output name string = account.name

@description('Address of its blobs, with a slash at the end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
