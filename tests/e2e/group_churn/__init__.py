"""Members join, leave and die at random; no partition may ever have two live owners.

`python -m tests.e2e.group_churn --seconds 120 --members 50 --protocol classic|consumer` is the long
run; `--client confluent` takes librdkafka's consumers in place of members that send raw requests.
"""
