"""
What the people of the demo wrote: the words its commit messages are put together from.

A line is `scope: sentence`. An operation is something a service does; `PATTERNS` holds what one can do to any
operation, so that a year of history does not repeat itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Line = tuple[str, str]  # scope and sentence


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The lines of one component. `breaking` has the text of the footer as its third part."""

    features: tuple[Line, ...]
    fixes: tuple[Line, ...]
    breaking: tuple[tuple[str, str, str], ...]
    operations: tuple[Line, ...]
    packages: tuple[str, ...]


# Kind of commit → what to do to an operation.
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "feat": ("measure how long the {} takes", "trace the {} from end to end"),
    "fix": (
        "give the {} a deadline",
        "retry the {} once when the connection drops",
        "log a failed {} once and not on every retry",
    ),
    "perf": ("do the {} in one query", "keep the answer of the {} for a second"),
    "refactor": ("move the {} into a module of its own", "name the steps of the {}"),
    "test": ("cover the {} with a table of cases", "run the {} against recorded answers"),
    "docs": ("explain the {}", "draw the {}"),
}
CHORES: tuple[tuple[str, str, str], ...] = (
    ("ci", "", "run the slow tests beside the fast ones"),
    ("ci", "", "keep the module cache between runs"),
    ("ci", "", "sign the images that leave the pipeline"),
    ("ci", "", "fail when the changelog has no entry"),
    ("ci", "", "build for arm64 too"),
    ("ci", "", "stop the pipeline of a branch that moved on"),
    ("build", "image", "start from a smaller base image"),
    ("build", "image", "run as a user without rights"),
    ("build", "", "pin the compiler"),
    ("build", "", "leave test data out of the image"),
    ("chore", "", "remove a flag that is on everywhere"),
    ("chore", "", "agree on one spelling of cancelled"),
    ("chore", "", "sort the configuration by name"),
    ("chore", "", "delete the code of the old exporter"),
    ("style", "", "format with the new version of the formatter"),
    ("docs", "", "say whom to call at night"),
    ("docs", "", "add the run book for a full disk"),
    ("docs", "", "correct the ports in the read-me"),
)


def _lines(text: str) -> tuple[Line, ...]:
    rows = (line.strip().partition(": ") for line in text.strip().splitlines())
    return tuple((scope, sentence) for scope, _, sentence in rows)


VOCABULARIES: Mapping[str, Vocabulary] = {
    "cart": Vocabulary(
        features=_lines("""
            items: keep an item for later
            items: show what is left in stock beside the quantity
            guest: merge the cart of a guest after sign-in
            guest: keep the cart of a guest for thirty days
            vouchers: accept two vouchers when their rules allow it
            vouchers: say which item a voucher does not apply to
            totals: show the saving in the total
            totals: split the shipping cost by parcel
            api: add a page size to the list of carts
            api: answer 304 when the cart did not change
            gifts: wrap an item as a gift
            gifts: add a message of two hundred letters
            items: limit the quantity per order by item
            share: send a cart to somebody by link
            reminders: remind once of a cart that was left
            items: replace a sold-out size with one click
            totals: show prices with and without tax to companies
            admin: look at a cart by the number of the order
        """),
        fixes=_lines("""
            totals: round each line before the sum and not after
            totals: charge no shipping for a cart of vouchers
            items: keep the order of the items after a reload
            items: refuse a quantity of zero
            items: do not lose an item that is added twice at once
            guest: keep the language of a guest after the merge
            vouchers: treat capital and small letters alike
            vouchers: give a voucher back when the cart expires
            vouchers: end a voucher at midnight of the shop and not of the server
            api: answer 404 for a cart of somebody else
            api: allow the idempotency key to be sixty-four letters long
            cache: forget the total when a price changes
            cache: do not keep the error of a failed look-up
            gifts: count the letters of a message as people see them
            share: end a shared link when the cart is ordered
            reminders: send none to those who opted out
            stock: release a reservation when the cart is emptied
            stock: reserve what is there when it is less than was asked for
            session: renew the session while the cart is open
            admin: show the time in the zone of the reader
        """),
        breaking=(
            ("api", "drop version one of the cart API", "/v1/cart is gone, use /v2/carts/{id}"),
            ("api", "give amounts in the smallest coin", "amounts are integers in cents, no longer decimals"),
            ("items", "name an item by its article number", "item ids of before are no longer accepted"),
        ),
        operations=_lines("""
            stock: stock check
            prices: price look-up
            guest: merge of two carts
            vouchers: voucher check
            totals: tax calculation
            totals: shipping estimate
            cache: warm-up of the cache
            reminders: nightly reminder run
            session: session renewal
            items: clean-up of expired carts
            events: hand-over to checkout
            api: health check
        """),
        packages=("redis-client", "http-router", "json-codec", "metrics-exporter", "trace-sdk", "test-kit"),
    ),
    "catalog": Vocabulary(
        features=_lines("""
            search: find an article by a part of its number
            search: forgive one wrong letter in long words
            search: rank what is in stock first
            search: suggest categories beside articles
            filters: filter by more than one colour
            filters: keep the filters when the sort order changes
            images: serve pictures in three sizes
            images: accept WebP from suppliers
            variants: show sizes that are sold out in grey
            variants: group variants by colour
            import: read price lists of suppliers from CSV
            import: show what an import would change before it does
            import: resume an import where it stopped
            categories: move a category with all below it
            api: add the energy label of an article
            api: list what changed since a moment
            editor: keep drafts of a description
            editor: compare two versions of a description
            reviews: show the average with the count
            sitemap: write one sitemap per language
        """),
        fixes=_lines("""
            search: treat ß and ss alike
            search: answer an empty search with nothing and not with everything
            search: do not split article numbers at the dash
            search: keep the index readable while it is rebuilt
            filters: count articles once that lie in two categories
            filters: show a price filter that includes its upper end
            images: turn pictures the way the camera was held
            images: refuse pictures larger than forty megapixels
            variants: sort sizes by size and not by letter
            variants: keep the chosen colour when the size changes
            import: read decimal commas in price lists
            import: name the line of the file that is wrong
            import: keep descriptions that the supplier left empty
            categories: do not show an empty category in the menu
            categories: refuse to move a category below itself
            api: give prices of the asked country only
            editor: warn before a draft of somebody else is overwritten
            reviews: count a review once after it was edited
            sitemap: leave out articles that are not sold any more
            cache: forget all languages of an article at once
        """),
        breaking=(
            ("api", "page with cursors", "the parameters page and offset are gone, follow next"),
            ("api", "remove the XML answers", "Accept: application/xml is answered with 406"),
            ("import", "ask for UTF-8", "price lists in other encodings are refused"),
        ),
        operations=_lines("""
            search: rebuild of the index
            search: completion of words
            import: nightly import
            import: check of a price list
            images: scaling of pictures
            images: upload to the bucket
            categories: count of articles
            cache: eviction of old pages
            sitemap: export of the sitemap
            events: stream of changes
            reviews: fetch of reviews
            api: start-up check
        """),
        packages=(
            "search-client",
            "image-tools",
            "http-router",
            "csv-reader",
            "metrics-exporter",
            "sql-driver",
        ),
    ),
    "checkout": Vocabulary(
        features=_lines("""
            payment: pay by instalments from one hundred upwards
            payment: remember the method that was used last
            payment: offer express pay in Germany, Austria and Switzerland
            payment: try the second provider when the first does not answer
            address: complete an address while it is typed
            address: deliver to a parcel station
            address: keep more than one address of a company
            orders: cancel an order within thirty minutes
            orders: send the confirmation in the language of the order
            orders: show the day of delivery before paying
            invoices: write the number of the purchase order on the invoice
            invoices: send invoices as PDF/A
            fraud: hold an order that looks odd for a person to decide
            fraud: learn from what people decided
            api: take an idempotency key for every order
            api: sign web hooks
            tax: show the reverse charge to companies of other countries
            steps: keep what was typed when the session ends
            steps: skip the shipping step for downloads
        """),
        fixes=_lines("""
            payment: never charge an order twice when the provider answers late
            payment: show the reason of a refused card
            payment: wait for the provider as long as it says
            payment: cancel the authorisation when stock is missing
            payment: take the currency of the order and not of the shop
            address: accept house numbers with letters
            address: accept post codes with a space
            address: do not ask for a state where there is none
            orders: number orders without gaps
            orders: keep the order of the lines on the confirmation
            orders: send one confirmation and not one per parcel
            invoices: round the tax per rate and not per line
            invoices: print long names on two lines
            fraud: do not hold orders of the test account
            api: answer 409 for a second order with the same key
            api: check the signature before the body is read
            tax: take the rate of the day of delivery
            steps: keep the voucher when going one step back
            steps: end the step timer when the page is hidden
            flags: read the countries of express pay without spaces
            refunds: allow a refund of less than one euro
            refunds: give back shipping when all lines are returned
        """),
        breaking=(
            (
                "api",
                "ask for an idempotency key",
                "POST /orders without Idempotency-Key is answered with 400",
            ),
            ("webhooks", "send the whole order", "the field order_id moved to order.id"),
        ),
        operations=_lines("""
            payment: authorisation of a card
            payment: capture after dispatch
            payment: daily settlement
            address: address check
            orders: creation of an order
            orders: export to the warehouse
            invoices: rendering of an invoice
            fraud: score of an order
            refunds: partial refund
            events: outbox
            tax: look-up of tax rates
            webhooks: delivery of web hooks
        """),
        packages=("payment-sdk", "pdf-writer", "http-router", "sql-driver", "queue-client", "trace-sdk"),
    ),
    "pricing": Vocabulary(
        features=_lines("""
            rules: price by quantity
            rules: price by customer group
            rules: plan a price for a day to come
            rules: explain how a price was found
            currencies: take the rates of the central bank
            currencies: round to five centimes in Swiss francs
            promotions: three for the price of two
            promotions: end a promotion when its budget is used up
            promotions: try a promotion on the orders of last week
            api: ask for a hundred prices at once
            api: give the lowest price of the last thirty days
            import: read price lists from the merchandise system
            admin: approve a price that falls by more than a third
            admin: undo an import
            history: keep every price with its reason
            margin: warn of a price below cost
        """),
        fixes=_lines("""
            rules: take the most special rule when two apply
            rules: let a planned price begin at midnight of the country
            rules: do not apply a rule to gift cards
            rules: stop at the first rule that forbids
            currencies: keep four digits until the end
            currencies: use the rate of yesterday when today has none
            currencies: never divide by a rate of zero
            promotions: count free items in the quantity
            promotions: do not combine promotions that exclude each other
            promotions: end with the day and not with the hour
            api: answer in the order that was asked
            api: say which article has no price
            import: refuse a price list that is older than the last
            import: keep prices of articles that are not in the list
            admin: show who approved a price
            history: do not write a row when nothing changed
            cache: share the rules between workers
            cache: forget a price when its rule ends
            margin: take the cost of the same warehouse
        """),
        breaking=(
            ("api", "give prices net of tax", "the field gross is gone, ask for tax=included"),
            ("rules", "order rules by weight", "rules without a weight are refused"),
        ),
        operations=_lines("""
            rules: evaluation of a rule
            rules: reload of the rules
            currencies: fetch of the rates
            promotions: budget check
            import: nightly import
            api: batch look-up
            history: clean-up of old prices
            cache: warm-up of the cache
            margin: margin report
            admin: approval of a price
            events: announcement of a price
        """),
        packages=(
            "rule-engine",
            "decimal-tools",
            "http-router",
            "sql-driver",
            "metrics-exporter",
            "test-kit",
        ),
    ),
}
