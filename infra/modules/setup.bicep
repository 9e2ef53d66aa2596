// A job that makes the app's role, migrates, and loads the samples into an empty
// catalogue. Only it may change tables; azd starts it before each new image serves.
param token string
param location string
param tags object
param environmentId string
param registryServer string
param image string
param identityId string
param identityClientId string
param identityName string
param databaseHost string
param roleName string
param rolePrincipalId string
param samples bool

var setUp = ['python', 'manage.py', 'set_up_database', '--role', roleName, '--object-id', rolePrincipalId]
var load = samples ? ['--samples'] : []

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: 'job-setup-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'setup' })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 1800
      replicaRetryLimit: 1
      manualTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'setup'
          image: image
          command: concat(setUp, load)
          env: [
            { name: 'DB_HOST', value: databaseHost }
            { name: 'DB_USER', value: identityName }
            { name: 'DB_ASSUME_ROLE', value: 'vectorshop_owner' }
            { name: 'AZURE_CREDENTIAL', value: 'managed-identity' }
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
        }
      ]
    }
  }
}

output name string = job.name
