"""Features, the cluster, the quorum, brokers, ACLs, telemetry."""

from __future__ import annotations

from uuid import UUID

from flowlog.broker.wire import messages
from tests.conformance.probe import Probe, case

API_VERSIONS, DESCRIBE_QUORUM, UPDATE_FEATURES, CLUSTER, UNREGISTER = 18, 55, 57, 60, 64
UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE = 1, 2, 3


@case(API_VERSIONS)
def what_is_served(probe: Probe) -> None:
    m = messages.api_versions
    probe.ask(m.ApiVersionsRequest(client_software_name="a", client_software_version="1"))


@case(API_VERSIONS, since=3)
def a_client_without_a_proper_name(probe: Probe) -> None:
    m = messages.api_versions
    probe.ask(m.ApiVersionsRequest(client_software_name="-a", client_software_version="1"))
    probe.ask(m.ApiVersionsRequest(client_software_name="a", client_software_version=""))


@case(CLUSTER)
def the_cluster(probe: Probe) -> None:
    m = messages.describe_cluster
    probe.ask(m.DescribeClusterRequest())
    probe.ask(m.DescribeClusterRequest(include_cluster_authorized_operations=True))
    probe.ask(m.DescribeClusterRequest(endpoint_type=2))
    probe.ask(m.DescribeClusterRequest(endpoint_type=9))


@case(DESCRIBE_QUORUM)
def the_quorum(probe: Probe) -> None:
    m = messages.describe_quorum.request
    topic = m.TopicData(topic_name="__cluster_metadata", partitions=(m.PartitionData(),))
    probe.ask(m.DescribeQuorumRequest(topics=(topic,)))
    other = m.TopicData(topic_name="other", partitions=(m.PartitionData(partition_index=1),))
    probe.ask(m.DescribeQuorumRequest(topics=(other,)))
    probe.ask(m.DescribeQuorumRequest(topics=()))


@case(UPDATE_FEATURES)
def feature_updates_that_are_refused(probe: Probe) -> None:
    m = messages.update_features

    def wish(name: str, level: int, kind: int = UPGRADE) -> None:
        row = m.FeatureUpdateKey(
            feature=name, max_version_level=level, upgrade_type=kind, allow_downgrade=kind > 1
        )
        probe.ask(m.UpdateFeaturesRequest(feature_updates=(row,), timeout_ms=9000))

    wish("no.such.feature", 1)
    wish("metadata.version", 999)
    wish("metadata.version", 1)
    wish("metadata.version", 1, SAFE_DOWNGRADE)
    wish("metadata.version", 0, UNSAFE_DOWNGRADE)
    wish("group.version", 9)
    wish("group.version", 1)
    wish("group.version", -1)
    wish("", 1)
    probe.ask(m.UpdateFeaturesRequest(feature_updates=(), timeout_ms=9000))
    twice = m.FeatureUpdateKey(feature="group.version", max_version_level=1)
    probe.ask(m.UpdateFeaturesRequest(feature_updates=(twice, twice), timeout_ms=9000))


@case(UPDATE_FEATURES, since=1)
def feature_updates_that_are_only_checked(probe: Probe) -> None:
    m = messages.update_features
    for level, kind in (
        (1, UPGRADE),
        (0, UPGRADE),
        (0, SAFE_DOWNGRADE),
        (0, UNSAFE_DOWNGRADE),
        (1, 9),
        (1, 0),
    ):
        row = m.FeatureUpdateKey(
            feature="group.version", max_version_level=level, upgrade_type=kind
        )
        probe.ask(
            m.UpdateFeaturesRequest(feature_updates=(row,), timeout_ms=9000, validate_only=True)
        )


@case(UNREGISTER)
def a_broker_that_is_not_there(probe: Probe) -> None:
    m = messages.unregister_broker
    probe.ask(m.UnregisterBrokerRequest(broker_id=77))
    probe.ask(m.UnregisterBrokerRequest(broker_id=-1))


@case(29)
def acls_without_an_authorizer(probe: Probe) -> None:
    m = messages.describe_acls
    probe.ask(
        m.DescribeAclsRequest(
            resource_type_filter=2, pattern_type_filter=3, operation=1, permission_type=1
        )
    )


@case(30)
def making_acls_without_an_authorizer(probe: Probe) -> None:
    m = messages.create_acls
    row = m.AclCreation(
        resource_type=2,
        resource_name="a",
        resource_pattern_type=3,
        principal="User:a",
        host="*",
        operation=3,
        permission_type=3,
    )
    probe.ask(m.CreateAclsRequest(creations=(row, row)))


@case(31)
def deleting_acls_without_an_authorizer(probe: Probe) -> None:
    m = messages.delete_acls
    row = m.DeleteAclsFilter(
        resource_type_filter=2, pattern_type_filter=3, operation=1, permission_type=1
    )
    probe.ask(m.DeleteAclsRequest(filters=(row, row)))


@case(71)
def no_metrics_are_asked_for(probe: Probe) -> None:
    m = messages.get_telemetry_subscriptions
    probe.ask(m.GetTelemetrySubscriptionsRequest())
    probe.ask(m.GetTelemetrySubscriptionsRequest(client_instance_id=UUID(int=5)))


@case(72)
def metrics_that_nobody_asked_for(probe: Probe) -> None:
    m = messages.push_telemetry
    probe.ask(m.PushTelemetryRequest(client_instance_id=UUID(int=5), subscription_id=1))


@case(50)
def users_without_passwords(probe: Probe) -> None:
    m = messages.describe_user_scram_credentials
    probe.ask(m.DescribeUserScramCredentialsRequest(users=None))
    probe.ask(m.DescribeUserScramCredentialsRequest(users=()))
    nobody = m.UserName(name=probe.name("nobody"))
    probe.ask(m.DescribeUserScramCredentialsRequest(users=(nobody,)))
    probe.ask(m.DescribeUserScramCredentialsRequest(users=(nobody, nobody)))
