/** What a TestScheduler records of an Observable. */
export interface MarbleMessage {
  readonly frame: number;
  readonly notification:
    | { readonly kind: 'N'; readonly value: unknown }
    | { readonly kind: 'E'; readonly error: unknown }
    | { readonly kind: 'C' };
}

/** What a TestScheduler records of a subscription. */
export interface MarbleSubscription {
  readonly subscribedFrame: number;
  /** `Infinity` where it was not ended. */
  readonly unsubscribedFrame: number;
}

/** Whether `value` is a record of notifications. */
export function isMessages(value: unknown): value is readonly MarbleMessage[] {
  return Array.isArray(value) && value.every(isMessage);
}

/** Whether `value` is a record of subscriptions. */
export function isSubscriptions(value: unknown): value is readonly MarbleSubscription[] {
  return Array.isArray(value) && value.every(isSubscription);
}

function isMessage(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('frame' in value) || !('notification' in value)) return false;
  const { frame, notification } = value;
  return (
    typeof frame === 'number' &&
    typeof notification === 'object' &&
    notification !== null &&
    'kind' in notification &&
    (notification.kind === 'N' || notification.kind === 'E' || notification.kind === 'C')
  );
}

function isSubscription(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'subscribedFrame' in value && 'unsubscribedFrame' in value;
}
