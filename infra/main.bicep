// The shop in a resource group of its own. `azd up` deploys it; docs/azure.md says how.
// A second deployment changes nothing: every name follows from the subscription, the
// environment's name and the region.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('The name of the azd environment. It is part of the resource group\'s name.')
param environmentName string

@minLength(1)
@description('The region of everything.')
param location string

@description('The object id of whoever runs azd, who may read the secret key again.')
param principalId string = ''

@secure()
@description('Django\'s SECRET_KEY. azd makes a random one, and later reads it from the vault.')
param secretKey string

@description('Put database and apps into a virtual network. It cannot be changed later.')
param privateNetwork bool = false

@description('Load the ten sample products into an empty catalogue.')
param samples bool = true

@description('The size of the database server.')
param databaseSku string = 'Standard_B1ms'

@minValue(0)
@maxValue(3)
@description('How many replicas run while nobody asks: 0 costs nothing, and the first visitor waits.')
param minReplicas int = 0

@description('The job\'s image. azd names it once it has built one.')
param setupImage string = ''

@description('The app\'s image. azd names it once it has built one.')
param webImage string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
// What runs before azd has built an image, which it does after this deployment.
var placeholder = 'mcr.microsoft.com/azuredocs/containerapps-helloworld:latest'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    setupPrincipalId: identities.outputs.setupPrincipalId
    webPrincipalId: identities.outputs.webPrincipalId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    principalId: principalId
    webPrincipalId: identities.outputs.webPrincipalId
    secretKey: secretKey
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    sku: databaseSku
    administratorName: identities.outputs.setupName
    administratorId: identities.outputs.setupPrincipalId
    subnetId: privateNetwork ? network!.outputs.databaseSubnetId : ''
    dnsZoneId: privateNetwork ? network!.outputs.dnsZoneId : ''
  }
}

module environment 'modules/environment.bicep' = {
  name: 'environment'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    subnetId: privateNetwork ? network!.outputs.appsSubnetId : ''
  }
}

module setup 'modules/setup.bicep' = {
  name: 'setup'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    environmentId: environment.outputs.id
    registryServer: registry.outputs.server
    image: empty(setupImage) ? placeholder : setupImage
    identityId: identities.outputs.setupId
    identityClientId: identities.outputs.setupClientId
    identityName: identities.outputs.setupName
    databaseHost: database.outputs.host
    roleName: identities.outputs.webName
    rolePrincipalId: identities.outputs.webPrincipalId
    samples: samples
  }
}

module web 'modules/web.bicep' = {
  name: 'web'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    environmentId: environment.outputs.id
    environmentDomain: environment.outputs.domain
    registryServer: registry.outputs.server
    image: empty(webImage) ? placeholder : webImage
    identityId: identities.outputs.webId
    identityClientId: identities.outputs.webClientId
    identityName: identities.outputs.webName
    databaseHost: database.outputs.host
    secretKeyUrl: vault.outputs.secretKeyUrl
    minReplicas: minReplicas
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.server
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SETUP_JOB_NAME string = setup.outputs.name
output DATABASE_HOST string = database.outputs.host
output SHOP_URL string = web.outputs.url
