/**
 * The state behind the sample orders API: orders and refunds in memory. It knows nothing of authorization. Its use is that what it holds
 * shows whether a forbidden action happened: an order is there or it is not, a refund was paid or it was not.
 */

export type Order = { readonly id: string; readonly item: string };
/** A refund paid; `amount` in whole units of currency, `by` the subject the proxy named, or null. */
export type Refund = { readonly order: string; readonly amount: number; readonly by: string | null };
type RefundOutcome =
  | { readonly kind: "paid"; readonly refund: Refund }
  | { readonly kind: "no-such-order" }
  | { readonly kind: "bad-amount" };

/** A book that holds the given orders and no refunds. */
export function createOrderBook(initial: readonly Order[]) {
  const orders = new Map(initial.map((order) => [order.id, order]));
  const refunds: Refund[] = [];
  return {
    orders: (): readonly Order[] => [...orders.values()],
    order: (id: string): Order | undefined => orders.get(id),
    /** Whether it is a new one; an order that is there stays as it is. */
    add(order: Order): boolean {
      if (orders.has(order.id)) return false;
      orders.set(order.id, order);
      return true;
    },
    /** Whether there was such an order to replace. */
    replace(order: Order): boolean {
      if (!orders.has(order.id)) return false;
      orders.set(order.id, order);
      return true;
    },
    /** Whether there was such an order to delete. */
    remove: (id: string): boolean => orders.delete(id),
    refunds: (): readonly Refund[] => [...refunds],
    /** Pays a refund for an order that exists; a refused one leaves nothing behind. */
    refund(refund: Refund): RefundOutcome {
      if (!Number.isSafeInteger(refund.amount) || refund.amount <= 0) return { kind: "bad-amount" };
      if (!orders.has(refund.order)) return { kind: "no-such-order" };
      refunds.push(refund);
      return { kind: "paid", refund };
    },
  };
}

export type OrderBook = ReturnType<typeof createOrderBook>;
