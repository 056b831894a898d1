"""A file of a repository is shown without the secrets in it, and otherwise as it is."""

from __future__ import annotations

import time

import pytest

from gitopsui.domain.edit_mask import mask_file
from gitopsui.domain.mask_text import display

SECRET = """\
# The password of the shop
apiVersion: v1
kind: Secret
metadata: {name: shop, annotations: {note: "hunter2 again"}}
data:
  password: aHVudGVyMg== # base64
  empty: ""
stringData:
  "user": 'hunter2'
  file: |
    hunter2
    and more
  last: hunter2
type: Opaque
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
      - name: shop
        image: shop:1 # bumped
        env:
        - name: DB_PASSWORD
          value: hunter2
        - {name: MODE, value: fast}
"""


def shown(text: str) -> str:
    return display(mask_file(text, key=b"key"))


def test_secrets_go_by_their_place_and_every_other_character_stays() -> None:
    assert (
        shown(SECRET)
        == """\
# The password of the shop
apiVersion: v1
kind: Secret
metadata: {name: shop, annotations: {note: ••••••}}
data:
  password: •••••• # base64
  empty: ""
stringData:
  "user": ••••••
  file: ••••••
  last: ••••••
type: Opaque
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
      - name: shop
        image: shop:1 # bumped
        env:
        - name: DB_PASSWORD
          value: ••••••
        - {name: MODE, value: fast}
"""
    )


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\ndata: hunter2\n",
        "kind: SecretList\nitems:\n- data: {a: hunter2}\n",
        "kind: List\nitems:\n- kind: Secret\n  data: {a: hunter2}\n",
        "apiVersion: v1\nkind: Secret\ndata:\n  a: {{ .Values.hunter2 }\n  b: [hunter2\n",
        "secretGenerator:\n- name: a\n  literals: [user=hunter2]\n",
        "PASSWORD=hunter2\n",
        "db:\n  url: postgres://shop:hunter2@db/shop\n",
        "kind: Secret\nstringData: &a {x: hunter2}\nmore: *a\n",
        '{"kind": "Secret", "data": {"a": "hunter2"}}',
        "kind: Secret\n? {a: b}\n: hunter2\n",
        "kind: Secret\ndata: {a: hunter2, a: x}\n",
        "kind: Secret\nstringData: {a: hunter2}\nstringData: {b: x}\n",
        "auth: {user: hunter2}\nauth: {password: hunter2}\n",
        "kind: Secret\nstringData: {x: &a [hunter2, {password: q}]}\n---\na: 1\n",
        "kind: List\nitems:\n- {kind: Secret, data: {x: &a [hunter2, {password: q}]}}\n- {kind: A, b: *a}\n",
        "patches:\n- patch: |-\n    kind: Secret\n    stringData:\n      a: hunter2\n",
        "patches:\n- target: {kind: Secret}\n  patch: |-\n    - {op: add, path: /data/a, value: hunter2}\n",
        "- {op: replace, path: /stringData/a, value: hunter2} # of a secret\n",
        "export DB_PASS='hunter2'\nAPP_KEY=hunter2\n",
        "kind: Secret\r\ndata:\r\n  a: hunter2\r\n",
        "kind: Secret\ndata:\n  a: hunter2",
    ],
)
def test_no_spelling_lets_one_through(text: str) -> None:
    assert "hunter2" not in shown(text)


@pytest.mark.parametrize(
    "text",
    ["", "a: 1\n", "{{ if .x }}\na: 1\n{{ end }}\n", "# only words\n", "\t\x01",
     "kind: Pod # no secret\npath: /var/lib/data/files\nKEY: 1\n", "KEY_FILE=/run/x\nMODE=fast\n"],
)  # fmt: skip
def test_what_holds_no_secret_is_as_it_was(text: str) -> None:
    assert mask_file(text, key=b"key") == text


def test_many_secrets_in_one_file_are_masked_quickly() -> None:
    text = "password: [" + "hunter2," * 12_000 + "]\n" + "passwords:\n" + "- {password: hunter2}\n" * 4_000
    started = time.process_time()
    assert "hunter2" not in shown(text)
    assert time.process_time() - started < 10


def test_equal_secrets_stay_equal_and_others_differ() -> None:
    one, other = (mask_file(f"kind: Secret\ndata: {{a: {value}}}\n", key=b"key") for value in ("x", "y"))
    assert one != other
    assert display(one) == display(other)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "kind: Secret\ndata: {x: hunter2}\n",
        "[" * 10_000 + "secret hunter2",
        "kind: Secret\ndata: {a: hunter2}\n" + "# padding\n" * 30_000,
    ],
    ids=["bomb", "deep", "long"],
)
def test_what_is_too_much_to_read_is_hidden_as_a_whole_and_quickly(text: str) -> None:
    started = time.process_time()
    assert shown(text) == "••••••\n"
    assert time.process_time() - started < 10
