/**
 * Every endpoint that the transport knows, one line each. Sources import an operation's own file; this list is what
 * types are computed from (the names and events of `rxmistral/testing`).
 */
export { agentsCompleteOperation } from './agentsComplete.js';
export { agentsStreamOperation } from './agentsStream.js';
export { audioSpeechCompleteOperation } from './audioSpeechComplete.js';
export { audioTranscriptionsCompleteOperation } from './audioTranscriptionsComplete.js';
export { audioTranscriptionsStreamOperation } from './audioTranscriptionsStream.js';
export { batchJobsCancelOperation } from './batchJobsCancel.js';
export { batchJobsCreateOperation } from './batchJobsCreate.js';
export { batchJobsGetOperation } from './batchJobsGet.js';
export { batchJobsListOperation } from './batchJobsList.js';
export { betaAgentsCreateOperation } from './betaAgentsCreate.js';
export { betaAgentsDeleteOperation } from './betaAgentsDelete.js';
export { betaAgentsGetOperation } from './betaAgentsGet.js';
export { betaAgentsListOperation } from './betaAgentsList.js';
export { betaAgentsListPagesOperation } from './betaAgentsListPages.js';
export { betaAgentsUpdateOperation } from './betaAgentsUpdate.js';
export { betaConversationsAppendOperation } from './betaConversationsAppend.js';
export { betaConversationsAppendStreamOperation } from './betaConversationsAppendStream.js';
export { betaConversationsDeleteOperation } from './betaConversationsDelete.js';
export { betaConversationsGetOperation } from './betaConversationsGet.js';
export { betaConversationsGetHistoryOperation } from './betaConversationsGetHistory.js';
export { betaConversationsGetMessagesOperation } from './betaConversationsGetMessages.js';
export { betaConversationsListOperation } from './betaConversationsList.js';
export { betaConversationsRestartOperation } from './betaConversationsRestart.js';
export { betaConversationsRestartStreamOperation } from './betaConversationsRestartStream.js';
export { betaConversationsStartOperation } from './betaConversationsStart.js';
export { betaConversationsStartStreamOperation } from './betaConversationsStartStream.js';
export { chatCompleteOperation } from './chatComplete.js';
export { chatStreamOperation } from './chatStream.js';
export { classifiersClassifyOperation } from './classifiersClassify.js';
export { classifiersModerateOperation } from './classifiersModerate.js';
export { classifiersModerateChatOperation } from './classifiersModerateChat.js';
export { embeddingsCreateOperation } from './embeddingsCreate.js';
export { filesDeleteOperation } from './filesDelete.js';
export { filesDownloadOperation } from './filesDownload.js';
export { filesListOperation } from './filesList.js';
export { filesRetrieveOperation } from './filesRetrieve.js';
export { filesUploadOperation } from './filesUpload.js';
export { fimCompleteOperation } from './fimComplete.js';
export { fimStreamOperation } from './fimStream.js';
export { modelsListOperation } from './modelsList.js';
export { ocrProcessOperation } from './ocrProcess.js';
