"""The paths that SPs call, as template.yaml declares them."""

LOG_IN = "/rest/fastlogin/v1.0"
REFRESH = "/omp/oauth/refresh"
LOG_OUT = "/rest/logout/v1.0"
PLACE = "/rest/httpsessions/click2Call/v2.0"
STOP = "/rest/httpsessions/callStop/v2.0"
