"""The wallets of customers: double entry, so whatever happens their accounts add up to zero.

A customer has one for each currency. Money comes in from ``outside``, is ``available``, is ``held``
for an order that is authorised, and ``captured`` when it is paid. Every operation writes the
entries of its journal (from one account to another) with the new balances in one transaction.
"""

from collections.abc import Mapping
from decimal import Decimal

from fanout.adapters.tables import Tables
from fanout.errors import PermanentError
from workloads.orders.ledger import (
    Call,
    Change,
    KeyReusedError,
    Ledger,
    TakenBackError,
    Values,
    operation_key,
)

TABLE = "fanoutwallet"
HEAD = "head"
ACCOUNTS = ("outside", "available", "held", "captured")
NO_LIMIT = ""


class UnknownCustomerError(PermanentError):
    """The customer has no wallet in this currency."""


class InsufficientFundsError(PermanentError):
    """Less is available than the order costs."""


class LimitExceededError(PermanentError):
    """The order costs more than the customer may spend on one."""


class Wallet:
    """The wallets of all customers."""

    def __init__(self, tables: Tables) -> None:
        refusals = (UnknownCustomerError, InsufficientFundsError, LimitExceededError)
        self._ledger = Ledger(tables, TABLE, refusals)

    def deposit(
        self, customer: str, currency: str, amount: Decimal, key: str, limit: Decimal | None = None
    ) -> None:
        """Pay money in; `limit`, if given, is from then on what one order may cost."""

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is not None:
                _insist_on(operation, "deposit", amount)
                return None
            balances = _balances(rows)
            entry = _posted(balances, "outside", "available", amount)
            known = rows[HEAD]["limit"] if rows else NO_LIMIT
            made = {"kind": "deposit", "amount": str(amount), "state": "done", "steps": 1}
            kept = _head(balances, known if limit is None else str(limit))
            return Change(made, kept, {_entry(key, 1): entry})

        self._ledger.change(Call(_subject(customer, currency), key, "deposit"), [HEAD], decide)

    def authorise(self, customer: str, currency: str, amount: Decimal, key: str) -> None:
        """Hold money for an order.

        Raises:
            UnknownCustomerError: There is no such wallet.
            LimitExceededError: It is more than an order may cost.
            InsufficientFundsError: It is more than is available.
            TakenBackError: The authorisation was voided before.
        """

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is not None:
                if operation["state"] == "voided":
                    raise TakenBackError("the authorisation was voided")
                _insist_on(operation, "payment", amount)
                return None
            if not rows:
                raise UnknownCustomerError(f"'{customer}' has no wallet in {currency}")
            balances = _balances(rows)
            limit = rows[HEAD]["limit"]
            if limit != NO_LIMIT and amount > Decimal(limit):
                raise LimitExceededError(f"{amount} {currency} is over the limit of an order")
            if amount > balances["available"]:
                raise InsufficientFundsError(f"less than {amount} {currency} is available")
            entry = _posted(balances, "available", "held", amount)
            made = _payment(amount, "authorised", 1)
            return Change(made, _head(balances, limit), {_entry(key, 1): entry})

        self._ledger.change(
            Call(_subject(customer, currency), key, "authorise"), [HEAD], decide, is_first=True
        )

    def void(self, customer: str, currency: str, key: str) -> None:
        """Let go of what an authorisation holds; one that was never made never will be.

        Raises:
            PermanentError: The money has been captured.
        """

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change(_payment(Decimal(0), "voided", 0))
            if operation["state"] == "voided":
                return None
            if operation["state"] == "captured":
                raise PermanentError("the payment has been captured")
            return _stepped(rows, operation, key, ("held", "available"), "voided")

        self._ledger.change(Call(_subject(customer, currency), key, "void"), [HEAD], decide)

    def capture(self, customer: str, currency: str, key: str, capture: str) -> None:
        """Take what an authorisation holds.

        Args:
            customer: Who pays.
            currency: In which of the customer's wallets.
            key: Of the authorisation.
            capture: The idempotency key of the capture.

        Raises:
            TakenBackError: The capture was reversed before, or nothing is held.
        """

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["state"] == "voided":
                raise TakenBackError("nothing is held for this payment")
            if operation["reversed"] == capture:
                raise TakenBackError("the capture was reversed")
            if operation["state"] == "captured":
                return None
            return _stepped(rows, operation, key, ("held", "captured"), "captured")

        self._ledger.change(
            Call(_subject(customer, currency), key, f"capture {capture}"), [HEAD], decide
        )

    def reverse(self, customer: str, currency: str, key: str, capture: str) -> None:
        """Give back what a capture took, to what is held; one that comes later is refused."""

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["reversed"] == capture:
                return None
            undone = {**operation, "reversed": capture}
            if operation["state"] != "captured":
                return Change(undone)
            return _stepped(rows, undone, key, ("captured", "held"), "authorised")

        self._ledger.change(
            Call(_subject(customer, currency), key, f"reverse {capture}"), [HEAD], decide
        )


def _subject(customer: str, currency: str) -> str:
    # No customer's key has a colon.
    return f"{customer}:{currency}"


def _balances(rows: Mapping[str, Values]) -> dict[str, Decimal]:
    head = rows.get(HEAD)
    return {name: Decimal(head[name]) if head else Decimal(0) for name in ACCOUNTS}


def _head(balances: Mapping[str, Decimal], limit: str) -> dict[str, Values]:
    return {HEAD: {**{name: str(sum_) for name, sum_ in balances.items()}, "limit": limit}}


def _posted(
    balances: dict[str, Decimal], source: str, target: str, amount: Decimal
) -> dict[str, str]:
    """Move money between accounts; gives the journal's entry."""
    balances[source] -= amount
    balances[target] += amount
    return {"debit": source, "credit": target, "amount": str(amount)}


def _stepped(
    rows: Mapping[str, Values], operation: Values, key: str, move: tuple[str, str], state: str
) -> Change:
    """Bring a payment into its next state."""
    balances, step = _balances(rows), operation["steps"] + 1
    entry = _posted(balances, *move, Decimal(operation["amount"]))
    made = {**operation, "state": state, "steps": step}
    return Change(made, _head(balances, rows[HEAD]["limit"]), {_entry(key, step): entry})


def _payment(amount: Decimal, state: str, steps: int) -> dict[str, str | int]:
    kind = {"kind": "payment", "amount": str(amount), "state": state}
    return {**kind, "steps": steps, "reversed": ""}


def _entry(key: str, step: int) -> str:
    return f"entry-{operation_key(key)}-{step:03d}"


def _insist_on(operation: Values, kind: str, amount: Decimal) -> None:
    if operation["kind"] != kind or Decimal(operation["amount"]) != amount:
        raise KeyReusedError(f"the key is that of a {operation['kind']} of another amount")
