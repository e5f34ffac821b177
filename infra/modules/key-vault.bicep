// Secrets of third parties (a mail server, an SMS gateway, the key webhooks are signed with). They are
// put here by people, never by this template, and read by reference from the app's settings. It is
// there only where a setting is such a secret.

@minLength(3)
@maxLength(24)
@description('Name of the vault.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resource.')
param tags object

@description('Workspace that takes the audit log.')
param workspaceId string

@description('Whether only a private endpoint reaches the vault.')
param isPrivate bool

@description('Whether nobody may purge it before its days in the bin are over.')
param purgeProtection bool

var publicAccess = isPrivate ? 'Disabled' : 'Enabled'
var defaultAction = isPrivate ? 'Deny' : 'Allow'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_42: Soft delete is on; whether a vault may be purged before its seven days is purgeProtection.
  // checkov:skip=CKV_AZURE_110: By purgeProtection: with it, azd down keeps the name taken for a week, and azd up fails.
  // checkov:skip=CKV_AZURE_109: Denied by isPrivate; Flex Consumption has no fixed addresses to allow without a network.
  // checkov:skip=CKV_AZURE_189: Disabled by isPrivate; otherwise a role on the vault is needed for every read.
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    // Azure refuses false; a vault that has it keeps it.
    enablePurgeProtection: purgeProtection ? true : null
    enableSoftDelete: true
    // The least: an environment that was taken down can be put up again under its name a week later.
    softDeleteRetentionInDays: 7
    publicNetworkAccess: publicAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: defaultAction
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
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

@description('Name of the vault.')
output name string = vault.name

@description('Address of the vault, with a slash at the end.')
output uri string = vault.properties.vaultUri
