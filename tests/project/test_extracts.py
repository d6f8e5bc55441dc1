"""The extracts of botocore's data say the same as botocore, and have everything that is called."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.loaders import Loader
from botocore.regions import EndpointResolver
from botocore.session import Session
from tests.project.extracts import SIGN_IN, extracts

import katakei
from katakei.adapters.aws.loader import EXTRACTS, ExtractLoader
from katakei.adapters.aws.services import SERVICES, Service
from katakei.domain.errors import InternalError

ADAPTERS = Path(katakei.__file__).parent / "adapters"
CLIENT_VARIABLES = {"elbv2": "elb", "ec2": "ec2", "sts": "sts", "ssm": "ssm", "s3": "s3"}
PLACES = ("ap-northeast-1", "us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "xx-future-9")


def client(loader: Loader, service: Service[Any], region: str) -> BaseClient:
    session = Session()
    session.set_credentials("key", "secret")
    session.register_component("data_loader", loader)
    return session.create_client(service.name, region)


def test_extracts_agree_with_installed_botocore() -> None:
    made = dict(extracts())
    assert set(EXTRACTS.rglob("*.json")) == set(made)
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run `make extracts`"


@pytest.mark.parametrize("path", sorted(EXTRACTS.rglob("service-2.json")), ids=lambda path: path.parts[-3])
def test_extracts_change_nothing_they_contain(path: Path) -> None:
    ours = json.loads(path.read_text(encoding="utf-8"))
    assert part_of(ours, Loader().load_data(str(path.relative_to(EXTRACTS).with_suffix(""))))


def part_of(part: Any, whole: Any) -> bool:
    """Whether `whole` contains everything in `part` unchanged."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and part_of(part[key], whole[key]) for key in part)
    return bool(part == whole)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_called_action_is_listed(service: Service[Any]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in ADAPTERS.rglob("*.py")]
    called = {name for text in texts for name in re.findall(rf"\b{CLIENT_VARIABLES[service.name]}\.(\w+)\(", text)}
    methods = client(ExtractLoader(""), service, PLACES[0]).meta.method_to_api_mapping
    assert set(methods.values()) == set(service.actions)
    assert called, "a client has another name in the adapters: correct CLIENT_VARIABLES"
    assert called <= set(methods), "add the action to `actions` in services.py and run `make extracts`"


@pytest.mark.parametrize("region", PLACES)
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_clients_of_extracts_ask_the_same_endpoint(service: Service[Any], region: str) -> None:
    ours, theirs = client(ExtractLoader(""), service, region), client(Loader(), service, region)
    assert (ours.meta.endpoint_url, ours.meta.region_name) == (theirs.meta.endpoint_url, theirs.meta.region_name)


def test_endpoints_of_every_region_are_the_same() -> None:
    ours, theirs = (EndpointResolver(loader.load_data("endpoints")) for loader in (ExtractLoader(""), Loader()))
    names = {service.name for service in SERVICES} | {"elasticloadbalancing", *SIGN_IN}
    regions = {
        region
        for partition in theirs.get_available_partitions()
        for region in theirs.get_available_endpoints("ec2", partition, allow_non_regional=True)
    }
    assert len(regions) > 30
    for name in names:
        for region in (*regions, "xx-future-9"):
            assert ours.construct_endpoint(name, region) == theirs.construct_endpoint(name, region)


def test_data_of_the_user_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "ec2" / "2016-11-15"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"mine": true}', encoding="utf-8")
    loader = ExtractLoader(str(tmp_path))
    assert loader.load_service_model("ec2", "service-2") == {"mine": True}
    assert set(loader.load_service_model("elbv2", "service-2")["operations"]) == set(SERVICES[0].actions)
    assert loader.load_service_model("sso", "service-2")["metadata"]["serviceId"] == "SSO"


def test_unlisted_action_is_a_fault_of_katakei() -> None:
    with pytest.raises(InternalError, match="ModifyTargetGroup is not among the actions of elbv2"):
        SERVICES[0].limits_of("ModifyTargetGroup")


def test_extract_of_endpoints_counts_as_botocores_own(tmp_path: Path) -> None:
    loader = ExtractLoader(str(tmp_path))
    _, path = loader.load_data_with_path("endpoints")
    assert Path(path).is_relative_to(EXTRACTS)
    assert loader.is_builtin_path(path)
    assert not loader.is_builtin_path(str(tmp_path / "endpoints"))
