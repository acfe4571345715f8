"""Who asks is a value in Redis too, by the serializer of the settings: nobody becomes another by what is put there."""

import hmac
import json
import pickle

import msgpack  # type: ignore[import-untyped]
import pytest

from mina_api.cache.entry import decode, encode
from tests.security.redis_content.conftest import Staging
from tests.security.redis_content.forging import Bomb

SIGNING_KEY = "22" * 32
PATH = "/api/meetings/"
DEEP = b"[" * 100_000
DEEP_PACKED = b"\x91" * 100_000
SERIALIZERS = {
    "json": (json.dumps, 1, DEEP),
    "msgpack": (msgpack.packb, 2, DEEP_PACKED),
    "pickle": (pickle.dumps, 3, DEEP),
}


@pytest.mark.parametrize("serializer", SERIALIZERS)
class TestAViewer:
    async def test_is_loaded_anew_where_redis_has_no_value_of_ours(self, staging: Staging, serializer: str) -> None:
        _, codec, deep = SERIALIZERS[serializer]
        keys = {"signing_keys": SIGNING_KEY} if serializer == "pickle" else {}
        async with staging(serializer=serializer, **keys) as stage:
            user, other = [(await each.get("/api/auth/me")).json()["id"] for each in (stage.ada, stage.bob)]
            true = (await stage.ada.get(PATH)).content
            key, others = await stage.key(f"viewer:{user}:"), await stage.stored(await stage.key(f"viewer:{other}:"))
            entry, theirs = decode(await stage.stored(key)), decode(others)
            trap = pickle.dumps(Bomb())
            signed = hmac.digest(b"an attacker's key of many bytes!", trap, "sha256") + trap
            bodies = {
                **{f"a pickle as codec {each}": (trap, each) for each in range(4)},
                "a pickle signed by another": (signed, 3),
                "what nests too deep": (deep, codec),
                "no value": (b"\xff\xfe", codec),
                "codecs that there are not": (entry.body, 99),
            }
            forged = {
                **{
                    name: encode(entry._replace(body=body, size=len(body), codec=of, compressed=False))
                    for name, (body, of) in bodies.items()
                },
                "another's": others,
            }
            if serializer == "pickle":
                forged["another's value, signed for them"] = encode(
                    theirs._replace(key=entry.key, tags=entry.tags, tokens=entry.tokens)
                )

            answers = {}
            for name, data in forged.items():
                await stage.redis.set(key, data)
                answers[name] = await stage.ada.get(PATH, headers={"Cache-Control": "max-age=9999"})

        assert {name: each.text for name, each in answers.items() if each.content != true} == {}
        assert Bomb.went_off == 0


class TestAnEncryptedEntry:
    async def test_is_of_its_key_and_of_our_making_or_a_miss(self, staging: Staging) -> None:
        async with staging(encryption_keys="11" * 32) as stage:
            user, other = [(await each.get("/api/auth/me")).json()["id"] for each in (stage.ada, stage.bob)]
            for client in (stage.ada, stage.bob):
                true = (await client.get(PATH)).content
            true = (await stage.ada.get(PATH)).content
            keys = [await stage.key(f"list_meetings:user:{each}:") for each in (user, other)]
            own, others = [await stage.stored(key) for key in keys]
            seen = [
                b"Ada's plan" in await stage.stored(key.decode())
                async for key in stage.redis.scan_iter("mina:session:*")
            ]
            answers = []
            for data in (others, own[:-1], own[:30], b"MN\x01\x00" + own[4:], b"MS\x00" + own[3:], bytes(len(own))):
                await stage.redis.set(keys[0], data)
                answers.append(await stage.ada.get(PATH))

        assert not any(seen)
        assert [each.content == true for each in answers] == [True] * 6
        assert ["fwd=uri-miss" in each.headers["cache-status"] for each in answers] == [True] * 6
