export type { Chat, ChatMessage, ChatStatus, ChatToolCall, ChatUsage } from './Chat.js';
export type { ChatOptions } from './ChatOptions.js';
export { chatResource, type ChatResourceOptions } from './chatResource.js';
export { injectChat } from './injectChat.js';
export { provideRxMistral } from './provideRxMistral.js';
export type { RxMistralConfig } from './RxMistralConfig.js';
