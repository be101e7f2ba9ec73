/** For how long BullMQ keeps jobs that have ended, in seconds: a day, and a week where they have failed. */
export const defaultRemoval = { removeOnComplete: { age: 86_400 }, removeOnFail: { age: 604_800 } };
