"""Operating: a deployed stack, its logs and its executions."""
