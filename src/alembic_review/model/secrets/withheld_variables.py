"""Environment variables that the application under review does not get."""

from __future__ import annotations

# What a CI hands to a job so that it can act on its forge. The code under review gets none of it.
FORGE_TOKENS = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "FORGEJO_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GH_TOKEN",
    "GITEA_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_PRIVATE_TOKEN",
    "GITLAB_TOKEN",
    # GitLab's token of the job has several names.
    *("CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD", "CI_REPOSITORY_URL"),
    *("CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2", "CI_DEPLOY_PASSWORD"),
)
# The files by which one step of a job sets the environment of those after it, which may have a token.
STEERING_FILES = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE")
WITHHELD = frozenset(FORGE_TOKENS + STEERING_FILES)
