#!/usr/bin/env pwsh
# Deploys the database to Azure: starts `manage.py azdeploy` with the same arguments.
# Without arguments it shows a menu. See docs/azure.md.

$windows = Join-Path $PSScriptRoot '.venv/Scripts/python.exe'
$others = Join-Path $PSScriptRoot '.venv/bin/python'
$python = @($windows, $others) | Where-Object { Test-Path $_ } | Select-Object -First 1

if (-not $python) {
    [Console]::Error.WriteLine("The project's Python is not set up. Run:")
    [Console]::Error.WriteLine('py install.py requirements.txt')
    exit 1
}

& $python (Join-Path $PSScriptRoot 'manage.py') azdeploy @args
exit $LASTEXITCODE
