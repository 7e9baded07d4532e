"""The way out: Events to live Subscribers, and webhooks."""
