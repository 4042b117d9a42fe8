"""The signed transaction of LEDGER-2 on the wire (layout: shared/protocol, transaction.ts and its parts)."""

from bcs import boolean, byte_string, decode, enum, fixed, option, string, struct, u8, u16, u32, u64, unit, vector
from hashing import tagged

hash32, key, signature64, bls_key, bls_signature = fixed(32), fixed(32), fixed(64), fixed(48), fixed(96)
MAX_BYTES = 256 * 1024

role = enum(Validator=unit, Encoder=unit)
ask = struct(modality=u8, pricePerByte=u64, tokenizer=hash32)

commit = struct(job=hash32, attempt=u32, encoder=hash32, commitHash=hash32, elapsedMs=u32)
signed_commit = struct(commit=commit, signature=signature64)
reason = enum(HashMismatch=unit, SizeMismatch=unit, Undecodable=unit, Unavailable=unit)
opt_out = struct(job=hash32, attempt=u32, encoder=hash32, reason=reason)
signed_opt_out = struct(optOut=opt_out, signature=signature64)
receipt = struct(job=hash32, attempt=u32, encoder=hash32, dataHash=hash32)
signed_receipt = struct(receipt=receipt, signature=signature64)
unavailable = struct(job=hash32, attempt=u32, encoder=hash32, missing=hash32)
signed_unavailable = struct(unavailable=unavailable, signature=signature64)
reveal = struct(job=hash32, attempt=u32, encoder=hash32, embeddingDigest=hash32)
signed_reveal = struct(reveal=reveal, signature=signature64)
evaluation = struct(job=hash32, encoder=hash32, evaluation=hash32)
signed_evaluation = struct(message=evaluation, blsSignature=bls_signature)
score = struct(encoder=hash32, lossPpb=u64, lofMicro=u64, composite=u64, disqualified=boolean)
result = struct(
    job=hash32,
    selection=hash32,
    bundle=hash32,
    scores=vector(score),
    winner=option(hash32),
    finalsRoot=hash32,
    items=u32,
)

kind = enum(
    Transfer=struct(to=hash32, amount=u64),
    RegisterValidator=struct(
        blockKey=key,
        blsKey=bls_key,
        blsPossession=bls_signature,
        vrfKey=key,
        edgeAddress=string,
        gatewayAddress=string,
        commissionBps=u16,
    ),
    UnregisterValidator=unit,
    RegisterEncoder=struct(
        messageKey=key, blsKey=bls_key, blsPossession=bls_signature, asks=vector(ask), commissionBps=u16
    ),
    UnregisterEncoder=unit,
    SetAsk=struct(ask=ask),
    SetCommission=struct(role=role, commissionBps=u16),
    Delegate=struct(role=role, operator=hash32, amount=u64),
    Undelegate=struct(role=role, operator=hash32, amount=u64),
    GenerateEmbeddings=struct(
        modality=u8,
        dataCommitment=hash32,
        sizeBytes=u64,
        items=u32,
        sessionKey=key,
        maxPricePerByte=u64,
        jobTip=u64,
    ),
    SelectCommits=struct(
        job=hash32, attempt=u32, dataHash=hash32, commits=vector(signed_commit), sessionSignature=signature64
    ),
    PostCommit=struct(commit=signed_commit, dataHash=hash32, offerSignature=signature64),
    PostOptOut=struct(optOut=signed_opt_out),
    PostBundle=struct(job=hash32, reveals=vector(signed_reveal), sessionSignature=signature64),
    PostReveal=struct(reveal=signed_reveal),
    PostEvaluation=struct(evaluation=signed_evaluation, result=result),
    FinalProof=struct(result=result, finals=byte_string, signers=byte_string, aggregateSignature=bls_signature),
    SubmitEquivocation=struct(first=byte_string, second=byte_string),
    PostReceipt=struct(receipt=signed_receipt),
    PostUnavailable=struct(unavailable=signed_unavailable),
    VoteSlash=struct(validator=hash32),
    WithdrawSlashVote=struct(validator=hash32),
    SubmitCheckpointFork=struct(first=byte_string, second=byte_string),
)

transaction = struct(chainId=string, sender=hash32, sequence=u64, expiryEpoch=u64, tip=u64, kind=kind)

policy = enum(
    Ed25519=struct(publicKey=key),
    MultiSig=struct(threshold=u16, publicKeys=vector(key)),
    Bls=struct(publicKey=bls_key),
)
authenticator = struct(policy=policy, signers=u32, signatures=vector(byte_string))
signed_transaction = struct(transaction=transaction, authenticator=authenticator)


def decode_signed(data: bytes):
    return {**decode(signed_transaction, data, MAX_BYTES), "digest": tagged("soma.tx.id", data).hex()}
