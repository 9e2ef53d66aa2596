// Where the image is built and kept. Both identities may read it; nobody has a password.
param token string
param location string
param tags object
param setupPrincipalId string
param webPrincipalId string

var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: 'cr${token}'
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
  }
}

resource setupPulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, setupPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: setupPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
  }
}

resource webPulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, webPrincipalId, acrPull)
  scope: registry
  properties: {
    principalId: webPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
  }
}

output server string = registry.properties.loginServer
