# azd runs this once the job has its new image: start the job, wait for its end.
$ErrorActionPreference = 'Stop'
$place = @(
    '--name', $env:SETUP_JOB_NAME,
    '--resource-group', $env:AZURE_RESOURCE_GROUP,
    '--subscription', $env:AZURE_SUBSCRIPTION_ID
)

$execution = az containerapp job start @place --query name --output tsv
if ($LASTEXITCODE) { exit $LASTEXITCODE }
Write-Output "The job's execution $execution brings the database up to date ..."

# The job ends by itself after half an hour, or twice that with its second try.
while ($true) {
    $status = az containerapp job execution show @place --job-execution-name $execution --query properties.status --output tsv
    if ($LASTEXITCODE) { exit $LASTEXITCODE }
    if ($status -eq 'Succeeded') {
        Write-Output 'The database is up to date.'
        exit 0
    }
    if ($status -in 'Failed', 'Stopped', 'Degraded') {
        [Console]::Error.WriteLine("The job's execution $execution ended: $status. The app keeps its image.")
        [Console]::Error.WriteLine("Its log is in the portal: the job $env:SETUP_JOB_NAME, Execution history.")
        exit 1
    }
    Start-Sleep -Seconds 5
}
