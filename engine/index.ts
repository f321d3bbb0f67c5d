/**
 * The engine's only door: what the command line and the benchmarks use. Verbs
 * are functions of a repository and a request; records are plain data; nothing is printed.
 */
export { knownPlaces, rememberedRepository, setDefaultRepository } from "./home/last-repository.ts"
export type { CopyError } from "./maintain/copy-order.ts"
export { EngineError, type ErrorKind } from "./base/errors.ts"
export type { ChunkId, DeviceId, Digest, RawPath, RepositoryId } from "./base/ids.ts"
export { rawPathFromText, showPath } from "./base/paths.ts"
export { shellWord } from "./base/show.ts"
export { wordCounter } from "./crypto/words.ts"
export { writeAll } from "./base/write-all.ts"
export type { Clock, Random } from "./base/ports.ts"

export type { KdfParameters, SlotKind } from "./format/keyslot.ts"
export type { Content, Entry, EntryType } from "./format/listing-entry.ts"
export type { SkippedPath, SnapshotFlag, SnapshotSummary } from "./format/entry.ts"
export type { DeviceStatus, Role } from "./format/trust-entry.ts"

export { readSecret } from "./secrets/read-secret.ts"
export type { SecretPorts } from "./secrets/run-program.ts"

export { parseAddress, parseEndpoint } from "./store/address.ts"
export { locationName, openStore, requestsOf, type OpenStoreOptions } from "./store/open-store.ts"
export type { Store } from "./store/store.ts"
export type { Requests } from "./store/wrappers/metered-store.ts"

export { openHome, type Home, type HomeOptions } from "./home/home.ts"
export { isFileLocked, takeFileLock, type FileLock } from "./home/file-lock.ts"
export {
  makePrivateFolder,
  readPrivateFile,
  refuseWritable,
  writePrivateFile,
  writePrivateNote,
} from "./home/private-files.ts"
export { openLocalDatabase, type LocalDatabase, type StateDatabase } from "./home/state-database.ts"

export {
  copy,
  promote,
  type CopyEvent,
  type CopyObserver,
  type CopyRequest,
  type CopyResult,
} from "./maintain/copy.ts"
export { scrub, type ScrubError, type ScrubEvent, type ScrubResult } from "./maintain/scrub.ts"

export { acceptHead, type AcceptEvent } from "./session/accept-head.ts"
export { peekRepository, type PeekedRepository } from "./session/peek.ts"
export { openRepository, type OpenRequest } from "./session/open-repository.ts"
export { createRepository, type CreatedRepository, type NewRepository } from "./session/create-repository.ts"
export type { Repository } from "./session/repository.ts"
export type { Device, Session, Trust } from "./session/session.ts"
export type { Secret } from "./trust/unlock.ts"

export { cacheInfo, clearCache, type CacheInfo } from "./queries/caches.ts"
export { databaseFault, databaseIsHeld, databaseVersion } from "./queries/database-state.ts"
export { diffSnapshots, type Difference } from "./queries/diff-snapshots.ts"
export { diffWithDisk, type DiskDiffRequest } from "./queries/diff-with-disk.ts"
export { doctor, type DoctorRequest } from "./queries/doctor.ts"
export type { Finding } from "./queries/finding.ts"
export { dump, type DumpRequest } from "./queries/dump.ts"
export { entries, type EntriesRequest } from "./queries/entries.ts"
export { fileHistory, type FileVersion } from "./queries/file-history.ts"
export { findEntries, type FindRequest, type FoundEntry } from "./queries/find-entries.ts"
export {
  localPackedBytes,
  localSnapshots,
  type LocalRequest,
  type LocalSnapshots,
} from "./queries/local-snapshots.ts"
export { sourceFiles, type SourceFile, type SourceFilesRequest } from "./queries/source-files.ts"
export { status, type HomeStatus, type SourceStatus } from "./queries/status.ts"
export { stats, type MonthlyCost, type Stats, type StatsKind } from "./queries/stats.ts"
export { findSnapshot, snapshots, type FoundSnapshot, type Snapshot } from "./queries/snapshots.ts"
export type { SnapshotFilter } from "./log/view.ts"

export {
  addKey,
  changePassphrase,
  listDevices,
  listKeys,
  removeKey,
  type AddedKey,
  type AddKeyRequest,
  type DeviceInfo,
  type KeyInfo,
} from "./session/keys.ts"

export { backup } from "./backup/backup.ts"
export type {
  BackupEvent,
  BackupObserver,
  BackupRequest,
  BackupResult,
  CaptureRules,
  NewListing,
  UnkeptPath,
} from "./backup/backup-request.ts"
export {
  estimate,
  requireBudget,
  type Budget,
  type Estimate,
  type EstimateRequest,
  type Money,
} from "./backup/estimate.ts"
export { dollarsForRequests } from "./store/pricing.ts"
export { PROVIDER_PROFILES, type ProviderId } from "./store/provider-profiles.ts"
export { appendToLog, type LogFile } from "./system/append-log.ts"
export { patternSet, type PatternSet } from "./source/patterns.ts"
export { GIT_IGNORE_FILE, IGNORE_FILE } from "./source/select.ts"

export { refuseOwnPlace } from "./home/own-places.ts"
export { recordedOrigin } from "./restore/recorded-origin.ts"
export { restore } from "./restore/restore.ts"
export { openSwapPlace, type SwapPlace } from "./target/swap-place.ts"
export type { LeftOut, Metadata } from "./target/target.ts"
export type {
  Overwrite,
  RestoreEvent,
  RestoreObserver,
  RestoreRequest,
  RestoreResult,
  StayReason,
  Sync,
  Unrestored,
} from "./restore/restore-request.ts"

export { check } from "./maintain/check.ts"
export type {
  CheckError,
  CheckEvent,
  CheckNote,
  CheckObserver,
  CheckRequest,
  CheckResult,
  Subset,
} from "./maintain/check-request.ts"
