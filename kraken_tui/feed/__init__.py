"""Where frames come from: connection, subscriptions, stitching, REST history, replay."""
