/**
 * Every endpoint that the transport knows, one line each. Sources import an operation's own file; this list is what
 * types are computed from (the names and events of `rxmistral/testing`).
 */
export { agentsCompleteOperation } from './agentsComplete.js';
export { agentsStreamOperation } from './agentsStream.js';
export { audioSpeechCompleteOperation } from './audioSpeechComplete.js';
export { audioTranscriptionsCompleteOperation } from './audioTranscriptionsComplete.js';
export { audioTranscriptionsStreamOperation } from './audioTranscriptionsStream.js';
export { betaAgentsCreateOperation } from './betaAgentsCreate.js';
export { chatCompleteOperation } from './chatComplete.js';
export { chatStreamOperation } from './chatStream.js';
export { classifiersClassifyOperation } from './classifiersClassify.js';
export { classifiersModerateOperation } from './classifiersModerate.js';
export { classifiersModerateChatOperation } from './classifiersModerateChat.js';
export { embeddingsCreateOperation } from './embeddingsCreate.js';
export { fimCompleteOperation } from './fimComplete.js';
export { fimStreamOperation } from './fimStream.js';
export { modelsListOperation } from './modelsList.js';
export { ocrProcessOperation } from './ocrProcess.js';
