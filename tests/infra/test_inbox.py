"""What the inbox needs in Azure: the topic that the app is subscribed to after a deployment."""

from tests.support.bicep import Choice, Expression, read_bicep
from tests.support.infra_files import MAIN, module

INBOX = module("inbox")
TOPIC = INBOX.only("Microsoft.EventGrid/systemTopics")


def test_there_is_one_topic_for_the_blobs_of_the_data_account():
    assert TOPIC.properties == {
        "source": Expression("dataStorage.id"),
        "topicType": "Microsoft.Storage.StorageAccounts",
    }
    assert INBOX.resources["dataStorage"].is_existing
    given = read_bicep(MAIN).modules["inbox"].value["params"]
    assert given["dataStorageName"] == Expression("dataStorage.outputs.name")
    # Another region than the account's is refused.
    assert given["location"] == Expression("location")


def test_there_is_a_topic_only_where_there_is_an_inbox_and_the_hook_is_told_its_name():
    main = read_bicep(MAIN)
    assert main.modules["inbox"].condition == "inboxEnabled"
    assert main.outputs["FANOUT_INBOX_TOPIC"].value == Choice(
        "inboxEnabled", Expression("inbox!.outputs.topicName"), ""
    )


def test_what_could_not_be_delivered_is_logged():
    (log,) = INBOX.only("Microsoft.Insights/diagnosticSettings").properties["logs"]
    assert log == {"category": "DeliveryFailures", "enabled": True}
