// Owners for OpenSSL's objects, the only memory that this library ever allocates. Each is freed
// when it goes out of scope, however the function is left, and a failed call leaves nothing in
// OpenSSL's error queue, where the server's TLS code would find it and blame a connection.
#pragma once

#include <utility>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

namespace tg::jose {

template <typename T, void (*free_function)(T*)>
class OpensslPtr {
  public:
    explicit OpensslPtr(T* object = nullptr) : object_(object) {}
    OpensslPtr(OpensslPtr&& other) noexcept : object_(other.release()) {}
    OpensslPtr& operator=(OpensslPtr&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~OpensslPtr() { free_function(object_); }

    T* get() const { return object_; }
    explicit operator bool() const { return object_ != nullptr; }
    T* release() { return std::exchange(object_, nullptr); }
    void reset(T* object = nullptr) { free_function(std::exchange(object_, object)); }

  private:
    T* object_;
};

using BignumPtr = OpensslPtr<BIGNUM, BN_free>;
using BignumContextPtr = OpensslPtr<BN_CTX, BN_CTX_free>;
using MacPtr = OpensslPtr<EVP_MAC, EVP_MAC_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using ParamsBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyContextPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContextPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using MacContextPtr = OpensslPtr<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using CertificatePtr = OpensslPtr<X509, X509_free>;

// Takes back whatever OpenSSL put into its error queue during a scope, and nothing that was there
// before.
class ErrorMark {
  public:
    ErrorMark() { ERR_set_mark(); }
    ErrorMark(const ErrorMark&) = delete;
    ErrorMark& operator=(const ErrorMark&) = delete;
    ~ErrorMark() { ERR_pop_to_mark(); }
};

}  // namespace tg::jose
