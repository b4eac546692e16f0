"""The cluster's metadata: a log of records, the image that they add up to, and who may write."""
