"""The wallets of customers: double entry, so their accounts always add up to zero.

A customer has one for each currency. Every operation writes the entries of its journal (from one
account to another) and the new balances in one transaction.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from fanout.adapters.tables import Tables
from fanout.errors import PermanentError
from workloads.orders.keys import entry_row_key, wallet_partition
from workloads.orders.ledger import Call, Change, KeyReusedError, Ledger, TakenBackError, Values

TABLE = "fanoutwallet"
# The row of a wallet's balances, in its partition.
HEAD = "head"
NO_LIMIT = ""
NO_CAPTURE = ""


class Account(StrEnum):
    """The accounts of a wallet: money goes from the first to the last."""

    OUTSIDE = "outside"
    AVAILABLE = "available"
    HELD = "held"
    CAPTURED = "captured"


ACCOUNTS = tuple(Account)


class WalletOperation(StrEnum):
    """What an operation of a wallet is."""

    DEPOSIT = "deposit"
    PAYMENT = "payment"


class PaymentState(StrEnum):
    """The state of a payment; a deposit is done at once."""

    DONE = "done"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"


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
                _require_same(operation, WalletOperation.DEPOSIT, amount)
                return None
            balances = _balances(rows)
            entry = _post(balances, Account.OUTSIDE, Account.AVAILABLE, amount)
            old_limit = rows[HEAD]["limit"] if rows else NO_LIMIT
            head = _head(balances, old_limit if limit is None else str(limit))
            return Change(_deposit(amount), head, {entry_row_key(key, 1): entry})

        self._ledger.change(
            Call(wallet_partition(customer, currency), key, "deposit"), [HEAD], decide
        )

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
                if operation["state"] == PaymentState.VOIDED:
                    raise TakenBackError("the authorisation was voided")
                _require_same(operation, WalletOperation.PAYMENT, amount)
                return None
            if not rows:
                raise UnknownCustomerError(f"'{customer}' has no wallet in {currency}")
            balances = _balances(rows)
            limit = rows[HEAD]["limit"]
            _require_funds(balances, limit, amount, currency)
            entry = _post(balances, Account.AVAILABLE, Account.HELD, amount)
            payment = _payment(amount, PaymentState.AUTHORISED, 1)
            return Change(payment, _head(balances, limit), {entry_row_key(key, 1): entry})

        call = Call(wallet_partition(customer, currency), key, "authorise")
        self._ledger.change(call, [HEAD], decide, is_first=True)

    def void(self, customer: str, currency: str, key: str) -> None:
        """Let go of what an authorisation holds; one that was never made never will be.

        Raises:
            PermanentError: The money has been captured.
        """

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None:
                return Change(_payment(Decimal(0), PaymentState.VOIDED, 0))
            if operation["state"] == PaymentState.VOIDED:
                return None
            if operation["state"] == PaymentState.CAPTURED:
                raise PermanentError("the payment has been captured")
            accounts = (Account.HELD, Account.AVAILABLE)
            return _next_step(rows, operation, key, accounts, PaymentState.VOIDED)

        call = Call(wallet_partition(customer, currency), key, "void", is_undo=True)
        self._ledger.change(call, [HEAD], decide)

    def capture(self, customer: str, currency: str, key: str, capture: str) -> None:
        """Take what an authorisation holds.

        Args:
            customer: Who pays.
            currency: In which of the customer's wallets.
            key: The idempotency key of the authorisation.
            capture: The idempotency key of the capture.

        Raises:
            TakenBackError: The capture was reversed before, or nothing is held.
        """

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["state"] == PaymentState.VOIDED:
                raise TakenBackError("nothing is held for this payment")
            if operation["reversed"] == capture:
                raise TakenBackError("the capture was reversed")
            if operation["state"] == PaymentState.CAPTURED:
                return None
            accounts = (Account.HELD, Account.CAPTURED)
            return _next_step(rows, operation, key, accounts, PaymentState.CAPTURED)

        call = Call(wallet_partition(customer, currency), key, f"capture {capture}")
        self._ledger.change(call, [HEAD], decide)

    def reverse(self, customer: str, currency: str, key: str, capture: str) -> None:
        """Hold again what a capture took; a capture of this key that comes later is refused."""

        def decide(rows: Mapping[str, Values], operation: Values | None) -> Change | None:
            if operation is None or operation["reversed"] == capture:
                return None
            payment = {**operation, "reversed": capture}
            if operation["state"] != PaymentState.CAPTURED:
                return Change(payment)
            accounts = (Account.CAPTURED, Account.HELD)
            return _next_step(rows, payment, key, accounts, PaymentState.AUTHORISED)

        call = Call(wallet_partition(customer, currency), key, f"reverse {capture}", is_undo=True)
        self._ledger.change(call, [HEAD], decide)


def _balances(rows: Mapping[str, Values]) -> dict[str, Decimal]:
    head = rows.get(HEAD)
    return {account: Decimal(head[account]) if head else Decimal(0) for account in ACCOUNTS}


def _head(balances: Mapping[str, Decimal], limit: str) -> dict[str, Values]:
    amounts = {account: str(balance) for account, balance in balances.items()}
    return {HEAD: {**amounts, "limit": limit}}


def _require_funds(
    balances: Mapping[str, Decimal], limit: str, amount: Decimal, currency: str
) -> None:
    if limit != NO_LIMIT and amount > Decimal(limit):
        raise LimitExceededError(f"{amount} {currency} is over the limit of an order")
    if amount > balances[Account.AVAILABLE]:
        raise InsufficientFundsError(f"less than {amount} {currency} is available")


def _post(
    balances: dict[str, Decimal], source: Account, target: Account, amount: Decimal
) -> dict[str, str]:
    """Move money between accounts in `balances`; return the journal's entry."""
    balances[source] -= amount
    balances[target] += amount
    return {"debit": source, "credit": target, "amount": str(amount)}


def _next_step(
    rows: Mapping[str, Values],
    operation: Values,
    key: str,
    accounts: tuple[Account, Account],
    state: PaymentState,
) -> Change:
    """Bring a payment into its next state: its amount goes from one account to the other."""
    balances, step = _balances(rows), operation["steps"] + 1
    source, target = accounts
    entry = _post(balances, source, target, Decimal(operation["amount"]))
    payment = {**operation, "state": state, "steps": step}
    head = _head(balances, rows[HEAD]["limit"])
    return Change(payment, head, {entry_row_key(key, step): entry})


def _deposit(amount: Decimal) -> dict[str, str | int]:
    return _operation(WalletOperation.DEPOSIT, amount, PaymentState.DONE, 1)


def _payment(amount: Decimal, state: PaymentState, steps: int) -> dict[str, str | int]:
    payment = _operation(WalletOperation.PAYMENT, amount, state, steps)
    return {**payment, "reversed": NO_CAPTURE}


def _operation(
    kind: WalletOperation, amount: Decimal, state: PaymentState, steps: int
) -> dict[str, str | int]:
    return {"kind": kind, "amount": str(amount), "state": state, "steps": steps}


def _require_same(operation: Values, kind: WalletOperation, amount: Decimal) -> None:
    if operation["kind"] != kind or Decimal(operation["amount"]) != amount:
        raise KeyReusedError(f"the key is that of a {operation['kind']} of another amount")
