#!/bin/sh
# azd runs this once the job has its new image: start the job, wait for its end.
set -eu

execution=$(az containerapp job start --name "$SETUP_JOB_NAME" \
    --resource-group "$AZURE_RESOURCE_GROUP" --subscription "$AZURE_SUBSCRIPTION_ID" \
    --query name --output tsv)
echo "The job's execution $execution brings the database up to date ..."

# The job ends by itself after half an hour, or twice that with its second try.
while :; do
    status=$(az containerapp job execution show --name "$SETUP_JOB_NAME" \
        --resource-group "$AZURE_RESOURCE_GROUP" --subscription "$AZURE_SUBSCRIPTION_ID" \
        --job-execution-name "$execution" --query properties.status --output tsv)
    case $status in
        Succeeded)
            echo "The database is up to date."
            exit 0 ;;
        Failed | Stopped | Degraded)
            echo "The job's execution $execution ended: $status. The app keeps its image." >&2
            echo "Its log is in the portal: the job $SETUP_JOB_NAME, Execution history." >&2
            exit 1 ;;
    esac
    sleep "${POLL_SECONDS:-5}"
done
