"""What operators work with: the state of the service, failures, submissions, replays, queues, exports."""
