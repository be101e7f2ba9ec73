export { eventStream } from './eventStream.js';
export type { EventStreamInit, FetchFunction, Reconnection, ReconnectOptions } from './EventStreamInit.js';
export { remoteChat, type RemoteChatInit } from './remoteChat.js';
export type { ServerSentEvent } from './ServerSentEvent.js';
export { memoryReplayStore, type MemoryReplayStoreOptions } from './memoryReplayStore.js';
export type { CommonServingOptions, ServingOptions, SharedServingOptions, UnsharedServingOptions } from './ServingOptions.js';
export { toServerSentEvents } from './toServerSentEvents.js';
export type { ReplayEvent, ReplayPage, ReplayPlace, ReplayStore } from '../events/ReplayStore.js';
