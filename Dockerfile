# The image of every task: deepcohort, its locked packages, its kernels compiled, its models.
#
#   podman build -t deepcohort:0.1.0 .                              # CPU: no torch (call ... report)
#   podman build -t deepcohort:0.1.0-cuda --build-arg VARIANT=cuda . # train, tune, and call on a GPU
#
# BASE_IMAGE is any Debian 12 root file system, also a bare one made by debootstrap:
#   tar -C rootfs -c . | podman import - debian-root:bookworm
#   podman build --build-arg BASE_IMAGE=localhost/debian-root:bookworm --isolation chroot -t deepcohort:0.1.0 .
ARG BASE_IMAGE=debian:bookworm-slim

# --------------------------------------------------------------- builder: packages in /opt/deepcohort
FROM ${BASE_IMAGE} AS builder
ARG VARIANT=cpu
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends build-essential ca-certificates python3-dev python3-venv zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# the lock alone first: this layer, the long one, is made again only when the lock changes
COPY pytools/requirements.lock pytools/container_lock.py pytools/
# the last lines: headers, static libraries and tools of developers, which no library of torch's loads (0.4 GB with CUDA)
RUN python3 -m venv /opt/deepcohort \
    && python3 pytools/container_lock.py --variant "${VARIANT}" > image.lock \
    && /opt/deepcohort/bin/pip install --quiet --no-deps --require-hashes --prefer-binary -r image.lock \
    && find /opt/deepcohort -name tests -type d -path '*/site-packages/*' -prune -exec rm -rf {} + \
    && find /opt/deepcohort/lib \( -path '*/site-packages/torch/include' -o -path '*/site-packages/nvidia/*.a' \
       -o -path '*/nvidia/nvshmem/*.bc' -o -name 'libcusolverMg.so*' -o -name 'libnvperf_*' \) -prune -exec rm -rf {} +
COPY pytools pytools
RUN /opt/deepcohort/bin/pip install --quiet --no-deps --no-build-isolation ./pytools \
    && /opt/deepcohort/bin/pip uninstall --quiet --yes pip

# --------------------------------------------------------------- the image
FROM ${BASE_IMAGE}
ARG VARIANT=cpu
ARG VERSION=0.1.0
ARG REVISION=unknown
# The kernels are compiled for this CPU and found again on every host that has its instructions;
# "native" would compile anew on a host with another CPU. On arm64: --build-arg NUMBA_CPU=generic
ARG NUMBA_CPU=x86-64-v3
LABEL org.opencontainers.image.title="deepcohort" \
      org.opencontainers.image.description="Germline variant calling of many samples by deep learning (${VARIANT})" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# procps: Nextflow measures tasks with ps; plink2: --export plink2; bwa, minimap2: rows with fastq_1
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
       bash bwa ca-certificates minimap2 plink2 procps python3 \
    && rm -rf /var/lib/apt/lists/* \
    && (id deepcohort >/dev/null 2>&1 || useradd --uid 10001 --user-group --create-home deepcohort)
COPY --from=builder /opt/deepcohort /opt/deepcohort
ENV PATH=/opt/deepcohort/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CACHE_DIR=/opt/deepcohort/kernels \
    NUMBA_CPU_NAME=${NUMBA_CPU} \
    NUMBA_CPU_FEATURES=""
# sequencer profiles: simulating, which `warm` does, needs them
COPY assets/profiles /opt/deepcohort/share/deepcohort/assets/profiles
# Tasks run as the user who started Nextflow, any uid: Numba uses a cache only where it may write.
RUN mkdir -p "${NUMBA_CACHE_DIR}" && deepcohort warm && chmod -R a+rwX "${NUMBA_CACHE_DIR}" \
    && deepcohort --version
# last: a new model makes no other layer anew
COPY assets /opt/deepcohort/share/deepcohort/assets
USER deepcohort
WORKDIR /home/deepcohort
CMD ["deepcohort", "--help"]
