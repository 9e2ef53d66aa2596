// Two identities instead of passwords: one changes the tables, the other serves the shop.
param token string
param location string
param tags object

resource setup 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-setup-${token}'
  location: location
  tags: tags
}

resource web 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-web-${token}'
  location: location
  tags: tags
}

output setupId string = setup.id
output setupName string = setup.name
output setupClientId string = setup.properties.clientId
output setupPrincipalId string = setup.properties.principalId
output webId string = web.id
output webName string = web.name
output webClientId string = web.properties.clientId
output webPrincipalId string = web.properties.principalId
