export interface UploadRequest {
  /** Where the file goes: `image/<uid>/cover/<id>.jpg`; lower letters, digits, `-`, `_`, `/`, `.` */
  key: string;
  /** The upload must carry exactly this `Content-Type`; absent: none is asked for. */
  contentType?: string;
  expiresInMs: number;
  /** The address the caller reached us at, for a storage that has none of its own. */
  origin: string;
}

export interface UploadGrant {
  /** Whoever has it may `PUT` one file there until it runs out. */
  uploadUrl: string;
  publicUrl: string;
}

/** Keeps what people upload. Files go from their phones to the storage, not through us. */
export interface Storage {
  /** Makes the grant without asking anybody: a signature is all it takes. */
  signPut(request: UploadRequest): UploadGrant;
}
