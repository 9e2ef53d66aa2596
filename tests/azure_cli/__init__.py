"""azdeploy with the real az CLI, which `make test-azure-cli` installs."""
