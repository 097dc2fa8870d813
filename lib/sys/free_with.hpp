#pragma once

namespace conos {

// For the owner of a C object: std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>.
template<auto Free>
struct FreeWith {
  template<class T>
  void operator()(T* object) const
  {
    (void)Free(object);
  }
};

} // namespace conos
