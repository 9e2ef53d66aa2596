// The shop. Its identity may read and write rows and change no table.
param token string
param location string
param tags object
param environmentId string
param environmentDomain string
param registryServer string
param image string
param identityId string
param identityClientId string
param identityName string
param databaseHost string
param secretKeyUrl string
param minReplicas int

var appName = 'ca-web-${token}'
var host = '${appName}.${environmentDomain}'

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: appName
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
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
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        allowInsecure: false
        targetPort: 8000
        transport: 'auto'
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
      secrets: [
        {
          name: 'secret-key'
          keyVaultUrl: secretKeyUrl
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'web'
          image: image
          env: [
            { name: 'SECRET_KEY', secretRef: 'secret-key' }
            { name: 'DB_HOST', value: databaseHost }
            { name: 'DB_USER', value: identityName }
            { name: 'DB_POOL', value: '8' }
            { name: 'AZURE_CREDENTIAL', value: 'managed-identity' }
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
            { name: 'ALLOWED_HOSTS', value: host }
            { name: 'CSRF_TRUSTED_ORIGINS', value: 'https://${host}' }
            { name: 'HTTPS', value: 'true' }
            { name: 'BEHIND_PROXY', value: 'true' }
          ]
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/health/live', port: 8000 }
              periodSeconds: 5
              failureThreshold: 24
            }
            {
              type: 'Liveness'
              httpGet: { path: '/health/live', port: 8000 }
              periodSeconds: 30
              timeoutSeconds: 5
            }
            {
              type: 'Readiness'
              httpGet: { path: '/health/ready', port: 8000 }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 6
            }
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: 3
        rules: [
          {
            name: 'requests'
            http: {
              metadata: { concurrentRequests: '40' }
            }
          }
        ]
      }
    }
  }
}

output url string = 'https://${host}'
